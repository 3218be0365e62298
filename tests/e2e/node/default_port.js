// default_port.js - a device on the AWS IoT Device SDK v2 for JavaScript as its users write it: no protocol name, no
// reconnecting of their own, and a port only if one is wished for.
//
// Argument: JSON {host, ca, certificate, key, clientId, port?, protocol: "mqtt5"|"mqtt311"}. Each time it is connected
// it subscribes, publishes to itself, and when that arrives writes a line "here N". It ends with its standard input.
"use strict";
const { iot, mqtt, mqtt5 } = require("aws-iot-device-sdk-v2");

const wish = JSON.parse(process.argv[2]);
const topic = `sdk/${wish.clientId}`;
let times = 0;
const arrived = (payload) => console.log(`here ${Buffer.from(payload).toString()}`);

async function startMqtt5() {
    const builder = iot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromPath(
        wish.host, wish.certificate, wish.key);
    builder.withCertificateAuthorityFromPath(undefined, wish.ca);
    if (wish.port)
        builder.withPort(wish.port);
    builder.withConnectProperties({ clientId: wish.clientId, keepAliveIntervalSeconds: 30 });
    const client = new mqtt5.Mqtt5Client(builder.build());
    client.on("connectionFailure", (event) => console.error(String(event.error)));
    client.on("messageReceived", (event) => arrived(event.message.payload));
    client.on("connectionSuccess", async () => {
        await client.subscribe({ subscriptions: [{ topicFilter: topic, qos: mqtt5.QoS.AtLeastOnce }] });
        times += 1;
        await client.publish({ topicName: topic, qos: mqtt5.QoS.AtLeastOnce, payload: String(times) });
    });
    client.start();
}

async function startMqtt311() {
    const builder = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder_from_path(wish.certificate, wish.key);
    builder.with_certificate_authority_from_path(undefined, wish.ca);
    builder.with_endpoint(wish.host).with_client_id(wish.clientId).with_keep_alive_seconds(30);
    if (wish.port)
        builder.with_port(wish.port);
    const connection = new mqtt.MqttClient().new_connection(builder.build());
    const greet = async () => {
        await connection.subscribe(topic, mqtt.QoS.AtLeastOnce, (_, payload) => arrived(payload));
        times += 1;
        await connection.publish(topic, String(times), mqtt.QoS.AtLeastOnce);
    };
    connection.on("interrupt", (error) => console.error(String(error)));
    connection.on("resume", greet);
    await connection.connect();
    await greet();
}

process.stdin.on("end", () => process.exit()).resume();
({ mqtt5: startMqtt5, mqtt311: startMqtt311 })[wish.protocol]().catch((error) => {
    console.error(error);
    process.exit(1);
});
