import Foundation
import TestSupport
import Testing

@testable import Transport

/// Sessions that are taken up again, and all that must keep them from it.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct ResumptionTests {
    private let certificates: Certificates

    init() throws { certificates = try Certificates(["location/cairo", "gateway/main"]) }

    private func server(
        _ resumption: TLSResumption = TLSResumption(),
        now: @escaping @Sendable () -> Int64 = { TLSContext.systemTime() }
    ) throws -> TLSContext {
        try certificates.context(
            "gateway/main", isServer: true, peerRoles: ["location"], resumption: resumption,
            now: now)
    }

    private func client(
        _ resumption: TLSResumption = TLSResumption(),
        now: @escaping @Sendable () -> Int64 = { TLSContext.systemTime() }
    ) throws -> TLSContext {
        try certificates.context(
            "location/cairo", isServer: false, peerRoles: ["gateway"], resumption: resumption,
            now: now)
    }

    @Test func `later connections resume, and both ends know each other`() async throws {
        let place = try Place(try server())
        let client = try client()
        let first = await place.meet(client)
        #expect(!first.server.isResumed && !first.client.isResumed)
        for _ in 0..<5 {
            let later = await place.meet(client)
            #expect(later.server.isResumed && later.client.isResumed)
            #expect(later.server.peer?.description == "spiffe://biometricflow/location/cairo")
            #expect(later.client.peer?.description == "spiffe://biometricflow/gateway/main")
        }
    }

    @Test(arguments: [true, false])
    func `either end can turn it off`(isServerOff: Bool) async throws {
        let place = try Place(try server(isServerOff ? .off : TLSResumption()))
        let client = try client(isServerOff ? TLSResumption() : .off)
        for _ in 0..<3 {
            let meeting = await place.meet(client)
            #expect(meeting.server.error == nil && meeting.client.error == nil)
            #expect(!meeting.server.isResumed && !meeting.client.isResumed)
        }
    }

    @Test(arguments: [true, false])
    func `a reload of either end voids what was given before`(isServers: Bool) async throws {
        let (server, client) = (try server(), try client())
        let place = try Place(server)
        _ = await place.meet(client)
        #expect(await place.meet(client).server.isResumed)
        _ = try (isServers ? server : client).reload(evenIfUnchanged: true)
        let after = await place.meet(client)
        #expect(after.server.error == nil && after.client.error == nil)
        #expect(!after.server.isResumed && !after.client.isResumed)
        #expect(await place.meet(client).server.isResumed)
    }

    @Test func `a session does not outlive the client's certificate`() async throws {
        let clock = TestClock()
        let place = try Place(try server(now: clock.now))
        var long = TLSResumption()
        long.proofSeconds = 100 * 86_400
        let client = try client(long)
        _ = await place.meet(client)
        #expect(await place.meet(client).server.isResumed)
        clock.advance(days: 31)
        let late = await place.meet(client)
        #expect(late.server.text.contains("certificate has expired"))
        #expect(late.client.text.contains("refused this end's certificate: it has expired"))
    }

    @Test func `a ticket alone does not outlive the client's certificate`() async throws {
        var long = TLSResumption()
        long.proofSeconds = 100 * 86_400
        let clock = TestClock()
        let place = try Place(try server(long, now: clock.now))
        let client = try client(long)
        _ = await place.meet(client)
        clock.advance(days: 31)
        // Its own proof is good, so the client offers the session; only the certificate is not.
        let late = await place.meet(client)
        #expect(!late.server.isResumed)
        #expect(late.server.text.contains("certificate has expired"))
    }

    @Test func `a session does not outlive the server's certificate`() async throws {
        var long = TLSResumption()
        long.proofSeconds = 100 * 86_400
        let clock = TestClock()
        let place = try Place(try server(long))
        let client = try client(long, now: clock.now)
        _ = await place.meet(client)
        #expect(await place.meet(client).client.isResumed)
        clock.advance(days: 31)
        let late = await place.meet(client)
        #expect(late.client.text.contains("certificate has expired"))
        #expect(late.server.text.contains("refused this end's certificate: it has expired"))
    }

    @Test(arguments: [true, false])
    func `both ends ask for a new proof after a day`(isServers: Bool) async throws {
        let clock = TestClock()
        let system: @Sendable () -> Int64 = { TLSContext.systemTime() }
        let place = try Place(try server(now: isServers ? clock.now : system))
        let client = try client(now: isServers ? system : clock.now)
        _ = await place.meet(client)
        clock.advance(hours: 23)
        #expect(await place.meet(client).server.isResumed)
        clock.advance(hours: 2)
        let late = await place.meet(client)
        #expect(late.server.error == nil && !late.server.isResumed)
        #expect(await place.meet(client).server.isResumed)
    }

    @Test func `a ticket of one server is nothing to another with the same files`() async throws {
        let client = try client()
        let one = try Place(try server())
        _ = await one.meet(client)
        let other = try Place(try server())
        let folder = try TemporaryDirectory()
        try await stranger(one, ["-sess_out", folder.file("session")])
        let output = try await stranger(other, ["-sess_in", folder.file("session")])
        #expect(output.contains("New, TLSv1.3"))
    }

    @Test func `openssl resumes with our server, which knows it again`() async throws {
        let place = try Place(try server())
        let folder = try TemporaryDirectory()
        let first = try await stranger(place, ["-sess_out", folder.file("session")])
        #expect(first.contains("New, TLSv1.3"))
        let second = try await stranger(place, ["-sess_in", folder.file("session")])
        #expect(second.contains("Reused, TLSv1.3"))
    }

    /// Connects with `openssl s_client`; what it prints.
    @discardableResult
    private func stranger(_ place: Place, _ options: [String]) async throws -> String {
        async let served = place.serve(closes: true)
        let result = try await run(
            "/usr/bin/openssl",
            [
                "s_client", "-connect", "\(place.address)", "-CAfile", certificates.ca,
                "-cert", certificates.certificate("location/cairo"),
                "-key", certificates.key("location/cairo"), "-tls1_3", "-ign_eof",
            ] + options, input: "x\n")
        let end = await served
        #expect(end.peer?.description == "spiffe://biometricflow/location/cairo")
        return result.standardOutput
    }

    @Test func `no number in a proof makes it good by overflow`() {
        let extremes: [Int64] = [.min, -1, 0, 1, .max]
        for now in extremes {
            for provedAt in extremes {
                let proof = PeerProof(
                    validity: CertificateValidity(notBefore: .min, notAfter: .max),
                    provedAt: provedAt)
                let isNear = abs(Double(now) - Double(provedAt)) < 3
                #expect(proof.isGood(at: now, TLSResumption()) == isNear)
            }
        }
    }

    @Test func `few sessions are kept, the newest, and each is given once`() throws {
        var options = TLSResumption()
        (options.sessionsPerPeer, options.peersMax) = (2, 3)
        let store = SessionStore(options)
        let peers = try (1...5).map {
            SessionStore.Peer.address(try SocketAddress(host: "127.0.0.1", port: $0))
        }
        for (index, peer) in peers.enumerated() {
            for time in 1...3 as ClosedRange<UInt8> {
                let session = try session(provedAt: Int64(time))
                store.add(session, named: [UInt8(index), time], of: peer)
            }
        }
        #expect(store.count == 6)
        // The oldest of the last peer is gone; the other two are taken by name and by age.
        #expect(store.take(named: [4, 1]) == nil)
        #expect(store.take(named: [4, 2])?.proof.provedAt == 2)
        #expect(store.take(named: [4, 2]) == nil)
        #expect(store.takeNewest(of: peers[4])?.proof.provedAt == 3)
        #expect(store.takeNewest(of: peers[4]) == nil)
        let left = peers.dropLast().flatMap { peer -> [Int64] in
            var times: [Int64] = []
            while let session = store.takeNewest(of: peer) { times.append(session.proof.provedAt) }
            return times
        }
        #expect(left == [3, 2, 3, 2])
        #expect(store.count == 0)
    }

    private func session(provedAt: Int64) throws -> ResumableSession {
        ResumableSession.empty(
            PeerProof(
                validity: CertificateValidity(notBefore: 0, notAfter: 1), provedAt: provedAt))
    }
}
