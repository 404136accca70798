import Glibc
import TestSupport
import Testing

@testable import Transport

/// Peers that are refused: both ends say why, over real TLS.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct RefusalTests {
    /// A refusal, and what each end must say.
    struct Case: Sendable, CustomTestStringConvertible {
        var what: String
        /// The identity of the end that is refused, and of which CA it is.
        var shows = "location/cairo"
        var isOfAnotherCA = false
        var trustDomain = "biometricflow"
        var peerRoles: [String] = []
        var refusing: String
        var refused: String

        var testDescription: String { what }
    }

    static let cases = [
        Case(
            what: "wrong CA", isOfAnotherCA: true,
            refusing: "certificate was refused: ",
            refused: "refused this end's certificate: it is of no CA that the peer trusts"),
        Case(
            what: "expired", shows: "location/late",
            refusing: "certificate has expired; it names spiffe://biometricflow/location/late",
            refused: "refused this end's certificate: it has expired"),
        Case(
            what: "no SPIFFE URI", shows: "nobody",
            refusing: "has no SPIFFE URI of the form spiffe://DOMAIN/ROLE/NAME",
            refused: "refused this end's certificate: it is damaged, not valid yet, or names no"),
        Case(
            what: "two URIs", shows: "both",
            refusing: "has no SPIFFE URI of the form spiffe://DOMAIN/ROLE/NAME",
            refused: "refused this end's certificate: it is damaged, not valid yet, or names no"),
        Case(
            what: "another trust domain", trustDomain: "elsewhere",
            refusing:
                "spiffe://biometricflow/location/cairo is not of the trust domain 'elsewhere'",
            refused: "refused this end's certificate: its trust domain or role is not admitted"),
        Case(
            what: "another role", peerRoles: ["ctl", "gateway"],
            refusing: "is spiffe://biometricflow/location/cairo; expected the role ctl or gateway",
            refused: "refused this end's certificate: its trust domain or role is not admitted"),
    ]

    private let certificates: Certificates
    private let others: Certificates

    init() throws {
        certificates = try Certificates(
            ["location/cairo", "gateway/main"], expired: ["location/late"])
        try certificates.make("nobody", names: "DNS:localhost")
        try certificates.make(
            "both", names: "URI:spiffe://biometricflow/ctl/a,URI:spiffe://biometricflow/ctl/b")
        others = try Certificates(["location/cairo"])
    }

    private func contexts(_ refusal: Case, isServerRefusing: Bool) throws
        -> (refusing: TLSContext, refused: TLSContext)
    {
        let source = refusal.isOfAnotherCA ? others : certificates
        return (
            try certificates.context(
                "gateway/main", isServer: isServerRefusing, trustDomain: refusal.trustDomain,
                peerRoles: refusal.peerRoles),
            try source.context(
                refusal.shows, isServer: !isServerRefusing, ca: certificates.ca)
        )
    }

    @Test(arguments: cases)
    func `a client that is refused learns why`(refusal: Case) async throws {
        let (server, client) = try contexts(refusal, isServerRefusing: true)
        let place = try Place(server)
        for _ in 0..<20 {
            let ends = await place.meet(client)
            #expect(ends.server.error?.code == .tls)
            #expect(ends.server.text.contains(refusal.refusing))
            #expect(ends.client.error?.code == .tls)
            #expect(ends.client.text.contains(refusal.refused))
        }
    }

    @Test(arguments: cases)
    func `a server that is refused learns why`(refusal: Case) async throws {
        let (client, server) = try contexts(refusal, isServerRefusing: false)
        let ends = try await Place(server).meet(client)
        #expect(ends.client.error?.code == .tls)
        #expect(ends.client.text.contains(refusal.refusing))
        #expect(ends.server.error?.code == .tls)
        #expect(ends.server.text.contains(refusal.refused))
    }

    @Test func `a client without a certificate is told to show one`() async throws {
        let place = try Place(try certificates.context("gateway/main", isServer: true))
        async let served = place.serve(closes: true)
        let result = try await run(
            "/usr/bin/openssl",
            [
                "s_client", "-connect", "\(place.address)", "-CAfile", certificates.ca, "-tls1_3",
                "-ign_eof",
            ],
            input: "x\n")
        #expect(await served.text.contains("the peer showed no certificate"))
        #expect(result.standardError.contains("alert certificate required"))
    }

    @Test func `a client of an older TLS is told which one is spoken`() async throws {
        let place = try Place(try certificates.context("gateway/main", isServer: true))
        async let served = place.serve(closes: true)
        let result = try await run(
            "/usr/bin/openssl",
            ["s_client", "-connect", "\(place.address)", "-CAfile", certificates.ca, "-tls1_2"],
            input: "x\n")
        #expect(await served.text.contains("unsupported protocol"))
        #expect(result.standardError.contains("alert protocol version"))
    }

    /// The client writes on while the refusal is under way, so that the server has unread bytes.
    @Test func `a client that has sent much already learns why it is refused`() async throws {
        let refusal = Self.cases[5]
        let (server, client) = try contexts(refusal, isServerRefusing: true)
        let place = try Place(server)
        async let served = place.serve()
        let stream = try await place.connect(client)
        let error = await #expect(throws: TransportError.self) {
            async let written: Void = stream.write([UInt8](repeating: 7, count: 8_000_000))
            while !(try await stream.read(timeout: .seconds(60))).isEmpty {}
            try await written
        }
        #expect(error?.message.contains(refusal.refused) == true)
        #expect(await served.text.contains(refusal.refusing))
    }

    @Test func `the fraction of a life that is left goes from one to zero`() {
        let life = CertificateValidity(notBefore: 1000, notAfter: 2000)
        #expect(life.fractionLeft(at: 0) == 1)
        #expect(life.fractionLeft(at: 1000) == 1)
        #expect(life.fractionLeft(at: 1250) == 0.75)
        #expect(life.fractionLeft(at: 2000) == 0)
        #expect(life.fractionLeft(at: .max) == 0)
        let empty = CertificateValidity(notBefore: 5, notAfter: 5)
        #expect(empty.fractionLeft(at: 4) == 1 && empty.fractionLeft(at: 5) == 1)
        #expect(empty.fractionLeft(at: 6) == 0)
        let all = CertificateValidity(notBefore: .min, notAfter: .max)
        #expect(abs(all.fractionLeft(at: 0) - 0.5) < 0.001)
        #expect(life.contains(1000) && life.contains(2000) && !life.contains(2001))
    }
}

/// Sockets of refused peers.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct LingeringSocketTests {
    @Test func `a bounded number of them lingers, until the peers have closed`() async throws {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let limit = LingeringSocket.countMax
        let lingering = await Task(executorPreference: loop) {
            // Those of many peers, without holding so many descriptors.
            loop.lingeringCount = limit - 2
            // Without a peer, so that they are quiet until they are told of an end.
            let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            let numbers = (0..<5).map { _ in socket(AF_INET, type, 0) }
            for number in numbers {
                LingeringSocket.start(Descriptor(owning: number), on: loop)
            }
            defer { loop.lingeringCount -= limit - 2 }
            for number in numbers.prefix(2) { shutdown(number, Int32(SHUT_RD)) }
            return loop.lingeringCount
        }.value
        #expect(lingering == limit)
        while await Task(executorPreference: loop, operation: { loop.lingeringCount }).value > 0 {
            await Task.yield()
        }
    }
}
