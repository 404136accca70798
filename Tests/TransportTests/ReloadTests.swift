import Foundation
import TestSupport
import Testing
import Transport

/// Certificates and roots that change while connections live.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct ReloadTests {
    private let old: Certificates
    private let new: Certificates

    init() throws {
        old = try Certificates(["location/cairo", "gateway/main"])
        new = try Certificates(["location/cairo", "gateway/main", "location/giza"])
    }

    /// A CA goes over into another, and no connection fails that should not.
    @Test func `two roots are good at once while one takes the other's place`() async throws {
        let folder = try TemporaryDirectory()
        let roots = folder.file("roots.pem")
        try old.writeRoots(of: [old], to: roots)
        let server = try old.context("gateway/main", isServer: true, ca: roots)
        let place = try Place(server)
        let oldClient = try old.context("location/cairo", isServer: false)
        let newClient = try new.context("location/cairo", isServer: false, ca: old.ca)
        #expect(await place.meet(oldClient).server.error == nil)
        #expect(await place.meet(newClient).server.text.contains("certificate was refused"))

        try old.writeRoots(of: [old, new], to: roots)
        #expect(try server.reload() == .reloaded)
        #expect(await place.meet(oldClient).server.error == nil)
        #expect(await place.meet(newClient).server.error == nil)
        // It has a ticket, which must not carry it over.
        #expect(await place.meet(oldClient).server.isResumed)

        try old.writeRoots(of: [new], to: roots)
        #expect(try server.reload() == .reloaded)
        let refused = await place.meet(oldClient)
        #expect(refused.server.text.contains("certificate was refused"))
        #expect(refused.client.text.contains("it is of no CA that the peer trusts"))
        #expect(await place.meet(newClient).server.error == nil)
    }

    @Test func `a client does not resume with a server that its new roots do not know`()
        async throws
    {
        let folder = try TemporaryDirectory()
        let roots = folder.file("roots.pem")
        try old.writeRoots(of: [old], to: roots)
        let place = try Place(try old.context("gateway/main", isServer: true))
        let client = try old.context("location/cairo", isServer: false, ca: roots)
        _ = await place.meet(client)
        #expect(await place.meet(client).client.isResumed)
        try old.writeRoots(of: [new], to: roots)
        #expect(try client.reload() == .reloaded)
        let refused = await place.meet(client)
        #expect(refused.client.text.contains("certificate was refused"))
        #expect(refused.server.text.contains("it is of no CA that the peer trusts"))
    }

    @Test func `a connection lives on with what it began with`() async throws {
        let folder = try TemporaryDirectory()
        let roots = folder.file("roots.pem")
        try old.writeRoots(of: [old, new], to: roots)
        let server = try old.context("gateway/main", isServer: true, ca: roots)
        let before = server.certificateValidity
        let place = try Place(server)
        let client = try old.context("location/cairo", isServer: false, ca: roots)
        async let served = place.serve()
        let stream = try await place.connect(client)
        try old.replace("gateway/main", with: "gateway/main", of: new)
        #expect(try server.reload() == .reloaded)
        #expect(try server.reload() == .unchanged)
        #expect(server.certificateValidity != nil && before != nil)
        try await place.ask(stream)
        stream.close()
        #expect(await served.error == nil)
        // A new connection shows the new certificate: who knows the old root alone refuses it.
        let strict = try old.context("location/cairo", isServer: false)
        #expect(await place.meet(strict).client.text.contains("certificate was refused"))
        #expect(await place.meet(client).client.error == nil)
    }

    @Test func `a file that cannot be used keeps everything as it was and is named`()
        async throws
    {
        let server = try old.context("gateway/main", isServer: true)
        let place = try Place(server)
        let client = try old.context("location/cairo", isServer: false)
        func refusal(_ file: String, _ text: String) async throws {
            let error = #expect(throws: TransportError.self) { try server.reload() }
            #expect(error?.message.contains(file) == true)
            #expect(error?.message.contains(text) == true)
            #expect(await place.meet(client).server.error == nil)
            // Not only once.
            #expect(throws: TransportError.self) { try server.reload() }
        }
        let (certificate, key, ca) = (
            old.certificate("gateway/main"), old.key("gateway/main"), old.ca
        )
        let files = [certificate, key, ca]
        let texts = try files.map { try String(contentsOfFile: $0, encoding: .utf8) }
        func restore() throws {
            for (file, text) in zip(files, texts) {
                try? FileManager.default.removeItem(atPath: file)
                try text.write(toFile: file, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: file)
            }
        }
        for file in files {
            try "no PEM\n".write(toFile: file, atomically: true, encoding: .utf8)
            if file == key {
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: file)
            }
            try await refusal(file, "cannot")
            try FileManager.default.removeItem(atPath: file)
            try await refusal(file, "cannot")
            try restore()
        }
        // The certificate has come already, its key not yet.
        let other = try String(contentsOfFile: new.certificate("gateway/main"), encoding: .utf8)
        try other.write(toFile: certificate, atomically: true, encoding: .utf8)
        try await refusal(key, "key values mismatch")
        try restore()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        try Data(contentsOf: URL(fileURLWithPath: certificate)).write(
            to: URL(fileURLWithPath: certificate), options: .atomic)
        try await refusal(key, "chmod 600")
        try restore()
        #expect(try server.reload() == .reloaded)
        #expect(await place.meet(client).server.error == nil)
    }

    @Test func `a program does not become another by a reload`() throws {
        let client = try old.context("location/cairo", isServer: false)
        try old.replace("location/cairo", with: "location/giza", of: new)
        let error = #expect(throws: TransportError.self) { try client.reload() }
        #expect(error?.message.contains("is for spiffe://biometricflow/location/giza now") == true)
        #expect(client.identity?.name == "cairo")
    }

    @Test func `a web server's certificate is read again too`() throws {
        let edge = try Certificates(["edge"])
        let server = try TLSContext.webServer(
            certificate: edge.certificate("edge"), key: edge.key("edge"))
        #expect(try server.reload() == .unchanged)
        let later = try Certificates(["edge"])
        try edge.replace("edge", with: "edge", of: later)
        #expect(try server.reload() == .reloaded)
    }
}
