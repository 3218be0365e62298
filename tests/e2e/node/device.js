// device.js - a device on the AWS IoT Device SDK v2 for JavaScript: it provisions itself by claim, and connects as itself.
//
// Standard input: {host, port, ca, certificate, key, template, serial, protocol: "mqtt5"|"mqtt311", csr?, deviceKey?}.
// Standard output: one line of JSON with what happened: {provisioned, rejection, echo}.
"use strict";
const fs = require("fs");
const os = require("os");
const path = require("path");
const { once } = require("events");
const { iot, iotidentity, mqtt, mqtt5 } = require("aws-iot-device-sdk-v2");

const PATIENCE_S = 20;

// The two clients of the SDK, behind what this program needs of them.
const protocols = {
    mqtt5: {
        connect: async (wish, certificate, key, clientId) => {
            const builder = iot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromPath(
                wish.host, certificate, key);
            builder.withCertificateAuthorityFromPath(undefined, wish.ca);
            builder.withPort(wish.port);
            builder.withConnectProperties({ clientId, keepAliveIntervalSeconds: 60 });
            const client = new mqtt5.Mqtt5Client(builder.build());
            const connected = once(client, "connectionSuccess");
            const failed = once(client, "connectionFailure").then(([event]) => { throw event.error; });
            client.start();
            await Promise.race([connected, failed]);
            return client;
        },
        identity: (client, options) => iotidentity.IotIdentityClientv2.newFromMqtt5(client, options),
        echo: async (client, topic, text) => {
            const arrived = once(client, "messageReceived");
            await client.subscribe({ subscriptions: [{ topicFilter: topic, qos: mqtt5.QoS.AtLeastOnce }] });
            await client.publish({ topicName: topic, qos: mqtt5.QoS.AtLeastOnce, payload: text });
            const [event] = await arrived;
            return Buffer.from(event.message.payload).toString();
        },
        end: async (client) => {
            const stopped = once(client, "stopped");
            client.stop();
            await stopped;
            client.close();
        },
    },
    mqtt311: {
        connect: async (wish, certificate, key, clientId) => {
            const builder = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder_from_path(certificate, key);
            builder.with_certificate_authority_from_path(undefined, wish.ca);
            builder.with_endpoint(wish.host).with_port(wish.port).with_client_id(clientId);
            const client = new mqtt.MqttClient().new_connection(builder.build());
            await client.connect();
            return client;
        },
        identity: (client, options) => iotidentity.IotIdentityClientv2.newFromMqtt311(client, options),
        echo: async (client, topic, text) => {
            let arrive;
            const arrived = new Promise((resolve) => { arrive = resolve; });
            await client.subscribe(topic, mqtt.QoS.AtLeastOnce, (_, payload) => arrive(Buffer.from(payload).toString()));
            await client.publish(topic, text, mqtt.QoS.AtLeastOnce);
            return arrived;
        },
        end: async (client) => client.disconnect(),
    },
};

async function provision(wish, protocol) {
    const client = await protocol.connect(wish, wish.certificate, wish.key, `claim-${wish.serial}`);
    const identity = protocol.identity(client, {
        maxRequestResponseSubscriptions: 2, maxStreamingSubscriptions: 0, operationTimeoutInSeconds: PATIENCE_S });
    const made = wish.csr ? await identity.createCertificateFromCsr({ certificateSigningRequest: wish.csr })
        : await identity.createKeysAndCertificate({});
    const register = (token) => identity.registerThing({
        templateName: wish.template, certificateOwnershipToken: token, parameters: { SerialNumber: wish.serial } });
    const rejection = await register("nobody's").then(() => null, (error) => error.modeledError);
    const registered = await register(made.certificateOwnershipToken);
    identity.close();
    await protocol.end(client);
    return { made, registered, rejection };
}

async function main() {
    const wish = JSON.parse(fs.readFileSync(0, "utf8"));
    const protocol = protocols[wish.protocol];
    const { made, registered, rejection } = await provision(wish, protocol);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "device-"));
    try {
        const [certificate, key] = ["certificate", "key"].map((name) => path.join(folder, name));
        fs.writeFileSync(certificate, made.certificatePem);
        fs.writeFileSync(key, made.privateKey || wish.deviceKey, { mode: 0o600 });
        const device = await protocol.connect(wish, certificate, key, registered.thingName);
        const echo = await protocol.echo(device, `dev/${wish.serial}/state`, "up");
        await protocol.end(device);
        console.log(JSON.stringify({ certificateId: made.certificateId, registered, rejection, echo }));
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
}

main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
}).finally(() => process.exit());
