// credentials.js - the X.509 credentials provider of the AWS IoT Device SDK v2: fetches keys for a certificate, and signs one
// request with them.
//
// Standard input: {endpoint, thing, alias, ca, certificate, key, proxyPort, region, host, path, body}. The SDK goes to port
// 443 and nowhere else, so a proxy on loopback leads it to the server.
// Standard output: one line of JSON: {headers: {...}} of the signed POST, or {error}.
"use strict";
const fs = require("fs");
const { auth, http, io } = require("aws-iot-device-sdk-v2");

function providerOf(wish) {
    const options = io.TlsContextOptions.create_client_with_mtls_from_path(wish.certificate, wish.key);
    options.override_default_trust_store_from_path(undefined, wish.ca);
    return auth.AwsCredentialsProvider.newX509({
        endpoint: wish.endpoint,
        thingName: wish.thing,
        roleAlias: wish.alias,
        tlsContext: new io.ClientTlsContext(options),
        httpProxyOptions: new http.HttpProxyOptions("127.0.0.1", wish.proxyPort, http.HttpProxyAuthenticationType.None,
            undefined, undefined, undefined, http.HttpProxyConnectionType.Tunneling),
    });
}

async function main() {
    const wish = JSON.parse(fs.readFileSync(0));
    const body = new io.InputStream(require("stream").Readable.from([Buffer.from(wish.body)]));
    const request = new http.HttpRequest("POST", wish.path, new http.HttpHeaders([["host", wish.host]]), body);
    const signed = await auth.aws_sign_request(request, {
        algorithm: auth.AwsSigningAlgorithm.SigV4,
        signature_type: auth.AwsSignatureType.HttpRequestViaHeaders,
        provider: providerOf(wish),
        region: wish.region,
        service: "iotdata",
        signed_body_value: require("crypto").createHash("sha256").update(wish.body).digest("hex"),
        signed_body_header: auth.AwsSignedBodyHeaderType.XAmzContentSha256,
    });
    return { headers: Object.fromEntries(signed.headers._flatten()) };
}

main().catch((error) => ({ error: String(error) })).then((answer) => {
    process.stdout.write(JSON.stringify(answer) + "\n", () => process.exit(0));
});
