import HTTP
import MeshAPI
import RPCEdge
import RPCRuntime
import ServiceKit
import Testing
import Transport

@testable import GatewayService

/// An edge on a free port over a store of its own, with a key.
struct EdgeFixture: Sendable {
    let stored: StoreFixture
    let links = LinkTable()
    let clock = TestClock(at(120))
    let loop = EventLoop(name: "edge-test")
    let server: HTTPServer
    let mesh: RPCServer
    let link: RPCLink
    let token: String

    init() async throws {
        stored = try StoreFixture()
        let (clock, links) = (clock, links)
        let query = FleetQuery(store: stored.store, links: links, now: { clock.now })
        let checks = GatewayCheck(
            query: query, configuration: "test",
            certificates: CertificateWatch([], log: .silent, now: { 0 }))
        mesh = RPCServer(
            tls: nil, loop: loop,
            services: [Fleet.handlers(FleetService(query: query, checks: checks, log: .silent))])
        let tls = TLSConfiguration(certificate: "", key: "", ca: "")
        link = try Gateway.edgeLink(to: mesh, on: loop, tls)
        let edge = Edge(
            to: link, on: loop,
            keys: APIKeys(store: stored.store, now: { clock.now }, log: .silent),
            isInTrouble: { links.haveAlarms },
            random: { [UInt8](repeating: 0xAB, count: $0) }, log: .silent)
        token = try await stored.store.createKey(name: "test", by: "test", at: at(0)).token
        let monotonic = ContinuousClock()
        let start = monotonic.now
        server = try HTTPServer(
            address: SocketAddress(host: "127.0.0.1", port: 0), loop: loop, tls: nil,
            clock: HTTPClock(
                unixSeconds: { 784_111_777 },
                uptime: { start.duration(to: monotonic.now) })
        ) { await edge.respond(to: $0) }
    }

    /// Runs `body` beside the server.
    static func with(_ body: (EdgeFixture) async throws -> Void) async throws {
        let fixture = try await EdgeFixture()
        defer { fixture.loop.shutdown() }
        let linked = Task(executorPreference: fixture.loop) {
            await fixture.link.run(random: { 0.5 }, grace: .zero)
        }
        async let running: Void = fixture.server.run()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(fixture)) } catch { outcome = .failure(error) }
        fixture.server.drain()
        await running
        linked.cancel()
        await linked.value
        try outcome.get()
    }

    struct Answer {
        var status: String
        var head: String
        var body: String
    }

    /// Sends one request and reads to the end of the connection.
    func send(_ text: String) async throws -> Answer {
        let stream = try await ByteStream.connect(
            to: server.localAddress, on: loop, timeout: .seconds(60))
        defer { stream.close() }
        try await stream.write(Array(text.utf8))
        var bytes: [UInt8] = []
        while true {
            let piece = try await stream.read(timeout: .seconds(20))
            if piece.isEmpty { break }
            bytes += piece
        }
        let parts = String(decoding: bytes, as: UTF8.self).split(
            separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let head = String(parts.first ?? "")
        return Answer(
            status: String(head.dropFirst(9).prefix(3)), head: head,
            body: parts.count > 1 ? String(parts[1]) : "")
    }

    struct Event {
        var id: String
        var data: String
    }

    /// Reads the first events of a stream.
    func events(_ target: String, _ fields: String = "", count: Int) async throws
        -> (head: String, events: [Event])
    {
        let stream = try await ByteStream.connect(
            to: server.localAddress, on: loop, timeout: .seconds(60))
        defer { stream.close() }
        try await stream.write(
            Array(
                ("GET \(target) HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(token)\r\n"
                    + "\(fields)\r\n").utf8))
        var bytes: [UInt8] = []
        while true {
            // Of a chunk, the line ends alone.
            let text = String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "\n")
            let events = text.split(separator: "\n").filter { $0.hasPrefix("data: ") }
            let ids = text.split(separator: "\n").filter { $0.hasPrefix("id: ") }
            if events.count >= count, text.hasSuffix("\n\n\n") {
                let head = String(text.split(separator: "\n\n").first ?? "")
                return (
                    head,
                    zip(ids, events).map {
                        Event(id: String($0.dropFirst(4)), data: String($1.dropFirst(6)))
                    }
                )
            }
            let piece = try await stream.read(timeout: .seconds(20))
            if piece.isEmpty { return (text, []) }
            bytes += piece
        }
    }

    /// Gets `target`, with the fixture's key unless another is given.
    func get(_ target: String, key: String?? = .none, method: String = "GET") async throws
        -> Answer
    {
        let bearer = key ?? token
        let authorization = bearer.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        return try await send(
            "\(method) \(target) HTTP/1.1\r\nHost: h\r\n\(authorization)Connection: close\r\n\r\n")
    }

    /// A location with one device and two punches, linked and followed to its end.
    @discardableResult
    func addCairo() async throws -> TestLog {
        var log = TestLog()
        log.zone("Africa/Cairo")
        log.device("CK1")
        log.punch("CK1", "7", 10, resolvedUser: "77")
        log.punch("CK1", "8", 20, state: 1)
        log.watermark("CK1", 100)
        _ = try await stored.store.ingest(log.batch(), from: "cairo", at: at(110))
        _ = links.receive(
            log.batch(devices: [
                DeviceStatus(
                    device: Device(
                        serial: "CK1", name: "name-CK1", active: true, clockMode: "zone",
                        pollIntervalSeconds: 30), state: .online, completeThrough: at(100))
            ]), on: links.newLink(), over: FakeLink(address: "192.0.2.1:9"),
            at: at(115))
        return log
    }
}

@Suite struct EdgeTests {
    static let sources =
        #""complete":true,"as_of":"2026-03-01T08:02:00Z","sources":[{"location":"cairo","#
        + #""state":"LINK_STATE_LINKED","complete_through":"2026-03-01T08:01:40Z","#
        + #""last_sequence":"5"}]"#

    @Test func `health needs no key and tells nothing`() async throws {
        try await EdgeFixture.with { edge in
            let answer = try await edge.get("/healthz", key: .some(nil))
            #expect(answer.status == "200")
            #expect(answer.body == #"{"status":"ok"}"#)
        }
    }

    @Test func `health says that something is wrong, and the location what`() async throws {
        try await EdgeFixture.with { edge in
            let log = try await edge.addCairo()
            var batch = log.batch()
            batch.entries = []
            batch.alarms = ["the store takes no entries"]
            let link = FakeLink(address: "192.0.2.1:9")
            _ = edge.links.receive(batch, on: edge.links.newLink(), over: link, at: at(116))
            #expect(
                try await edge.get("/healthz", key: .some(nil)).body == #"{"status":"degraded"}"#)
            let answer = try await edge.get("/v1/locations")
            #expect(answer.body.contains(#""alarms":["the store takes no entries"]"#))
        }
    }

    @Test func `a device shows its memory, its proof and its last exception`() async throws {
        try await EdgeFixture.with { edge in
            let log = try await edge.addCairo()
            var status = DeviceStatus(device: Device(serial: "CK1", name: "name-CK1", active: true))
            let bare = try await edge.get("/v1/devices").body
            #expect(
                bare.contains(
                    #""memory":null,"proof":"PROOF_STATE_UNKNOWN","last_exception":null"#))
            status.memory = DeviceMemory(percentFull: 40, punchesPerDay: 12, daysToFull: 50)
            status.proof = .short
            status.lastException = DeviceException(
                device: "CK1", at: at(5), kind: .shortRead, text: "cut", announcedBytes: 84,
                rows: 1,
                countBefore: 2, countAfter: 2, times: 3, firstAt: at(1))
            _ = edge.links.receive(
                log.batch(devices: [status]), on: edge.links.newLink(),
                over: FakeLink(address: "192.0.2.1:9"), at: at(116))
            let body = try await edge.get("/v1/devices").body
            for part in [
                #""memory":{"percent_full":40,"punches_per_day":12,"days_to_full":50}"#,
                #""proof":"PROOF_STATE_SHORT""#, #""kind":"EXCEPTION_KIND_SHORT_READ""#,
                #""announced_bytes":"84","rows":"1","count_before":"2","count_after":"2""#,
                #""times":3"#,
            ] { #expect(body.contains(part)) }
        }
    }

    @Test func `an answer is exactly these bytes`() async throws {
        try await EdgeFixture.with { edge in
            try await edge.addCairo()
            let answer = try await edge.get("/v1/punches?limit=1")
            let begin = answer.body.prefix { $0 != "]" }
            #expect(
                begin == #"{"data":[{"sequence":"1","location":"cairo","device":"CK1","user":"7","#
                    + #""resolved_user":"77","local_time":"T10","instant":"2026-03-01T08:00:10Z","#
                    + #""state":0,"state_name":"check_in","verify":1,"work_code":0,"#
                    + #""source":"PUNCH_SOURCE_POLL","received_at":"2026-03-01T08:00:11Z"}"#)
            #expect(answer.body.contains(#"],"next_cursor":""#))
            #expect(answer.body.hasSuffix(#"","has_more":true,"# + Self.sources + "}"))
            #expect(
                answer.head == "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                    + "Content-Type: application/json\r\nCache-Control: no-store\r\n"
                    + "X-Request-Id: abababababababab\r\n"
                    + "Content-Length: \(answer.body.utf8.count)\r\nConnection: close")

            let locations = try await edge.get("/v1/locations")
            #expect(
                locations.body
                    == #"{"data":[{"name":"cairo","state":"LINK_STATE_LINKED","#
                    + #""zone":"Africa/Cairo","log_id":"AQEBAQEBAQEBAQEBAQEBAQ==","#
                    + #""last_sequence":"5","announced_sequence":"5","#
                    + #""complete_through":"2026-03-01T08:01:40Z","#
                    + #""last_contact":"2026-03-01T08:01:55Z","address":"192.0.2.1:9","#
                    + #""devices":1,"punches":"2","cause":"","alarms":[]}],"# + Self.sources
                    + #","next_cursor":null}"#)

            let devices = try await edge.get("/v1/devices?location=cairo")
            #expect(devices.body.hasPrefix(#"{"data":[{"location":"cairo","serial":"CK1","#))
            #expect(devices.body.contains(#""punches":"2","#))
            #expect(devices.body.contains(#""next_attempt":null,"#))
            #expect(devices.body.hasSuffix(#"],"# + Self.sources + #","next_cursor":null}"#))
        }
    }

    @Test(arguments: SchemaCatalog.routes.map(\.pattern) + ["/v1/openapi.json"])
    func `a data route answers nothing without a right key`(path: String) async throws {
        try await EdgeFixture.with { edge in
            try await edge.addCairo()
            let revoked = try await edge.stored.store.createKey(name: "r", by: "t", at: at(0))
            _ = try await edge.stored.store.revokeKey(revoked.key.id, at: at(1))
            let wrong = edge.token.dropLast() + (edge.token.hasSuffix("0") ? "1" : "0")
            for key in [nil, "", "x", String(wrong), revoked.token, "\(edge.token) x"] {
                for method in ["GET", "HEAD", "POST", "BREW"] {
                    let answer = try await edge.get(path, key: .some(key), method: method)
                    #expect(answer.status == "401", "\(key ?? "none")")
                    #expect(answer.head.contains("WWW-Authenticate: Bearer realm="))
                    #expect(answer.head.contains("Content-Type: application/problem+json"))
                    #expect(!answer.body.contains("cairo"))
                }
            }
            if path != "/v1/live" { #expect(try await edge.get(path).status == "200") }
        }
    }

    @Test func `every method with a route may be called by the edge`() {
        #expect(SchemaCatalog.routes.count == 4)
        for route in SchemaCatalog.routes { #expect(route.method.roles.contains("edge")) }
    }

    @Test func `a problem document has all members`() async throws {
        try await EdgeFixture.with { edge in
            let answer = try await edge.send(
                "GET /v1/punches?form=2026-01-01T00:00:00Z HTTP/1.1\r\nHost: h\r\n"
                    + "Authorization: bearer \(edge.token)\r\nX-Request-Id: abc-1\r\n"
                    + "Connection: close\r\n\r\n")
            #expect(answer.status == "400")
            #expect(answer.head.contains("X-Request-Id: abc-1"))
            #expect(
                answer.body
                    == #"{"type":"about:blank","title":"Bad Request","status":400,"#
                    + #""detail":"`form` is not known here; there are `location`, `device`, "#
                    + #"`user`, `from`, `to`, `cursor`, `limit`","instance":"/v1/punches","#
                    + #""code":"unknown_parameter","request_id":"abc-1"}"#)
        }
    }

    @Test func `each mistake has its status and code`() async throws {
        try await EdgeFixture.with { edge in
            try await edge.addCairo()
            let other = try await EdgeFixture()
            let foreign = try await FleetQuery(
                store: other.stored.store, links: LinkTable(), now: { at(0) }
            ).punches(PunchQuery()).nextCursor
            other.loop.shutdown()
            let cursor = try await FleetQuery(
                store: edge.stored.store, links: LinkTable(), now: { at(0) }
            ).punches(PunchQuery()).nextCursor
            for (target, status, code) in [
                ("/", "404", "not_found"), ("/v1/punches/", "404", "not_found"),
                ("/v1/sites", "404", "not_found"),
                ("/v1/locations?x=1", "400", "unknown_parameter"),
                ("/healthz?x=1", "400", "unknown_parameter"),
                ("/v1/punches?limit=x", "400", "invalid_parameter"),
                ("/v1/punches?limit=1001", "400", "invalid_parameter"),
                ("/v1/punches?limit=-1", "400", "invalid_parameter"),
                ("/v1/punches?limit=1&limit=2", "400", "invalid_parameter"),
                ("/v1/punches?user=", "400", "invalid_parameter"),
                ("/v1/punches?from=yesterday", "400", "invalid_parameter"),
                ("/v1/punches?from=2026-02-30T00:00:00Z", "400", "invalid_parameter"),
                (
                    "/v1/punches?from=2026-02-02T00:00:00Z&to=2026-02-01T00:00:00Z", "400",
                    "invalid_argument"
                ),
                ("/v1/punches?location=cario", "400", "unknown_location"),
                ("/v1/devices?location=cario", "400", "unknown_location"),
                ("/v1/punches?cursor=x", "400", "invalid_cursor"),
                ("/v1/punches?cursor=\(cursor)&user=1", "400", "cursor_mismatch"),
                ("/v1/punches?cursor=\(foreign)", "410", "cursor_expired"),
            ] {
                let answer = try await edge.get(target)
                #expect(answer.status == status, "\(target)")
                #expect(answer.body.contains("\"code\":\"\(code)\""), "\(target)")
            }
            let post = try await edge.get("/v1/punches", method: "POST")
            #expect(post.status == "405")
            #expect(post.head.contains("\r\nAllow: GET, HEAD\r\n"))
            let head = try await edge.get("/v1/locations", method: "HEAD")
            #expect(head.status == "200")
            #expect(head.body == "")
        }
    }

    @Test func `filters choose, and an offset needs no encoding`() async throws {
        try await EdgeFixture.with { edge in
            try await edge.addCairo()
            func sequences(_ query: String) async throws -> [String] {
                try await edge.get("/v1/punches?\(query)").body
                    .split(separator: "\"sequence\":\"").dropFirst()
                    .map { String($0.prefix { $0 != "\"" }) }
            }
            #expect(try await sequences("location=cairo") == ["1", "2"])
            #expect(try await sequences("device=CK1&device=CK2") == ["1", "2"])
            #expect(try await sequences("device=CK2") == [])
            #expect(try await sequences("user=8") == ["2"])
            #expect(try await sequences("user=77") == ["1"])
            #expect(try await sequences("user=7&user=8") == ["1", "2"])
            #expect(try await sequences("from=2026-03-01T08:00:20Z") == ["2"])
            #expect(try await sequences("to=2026-03-01T08:00:20Z") == ["1"])
            #expect(try await sequences("from=2026-03-01T10:00:20+02:00") == ["2"])
            #expect(try await sequences("from=2026-03-01T10:00:20%2B02:00") == ["2"])
        }
    }

    @Test func `a dead location keeps its past complete and names itself`() async throws {
        try await EdgeFixture.with { edge in
            try await edge.addCairo()
            edge.links.ended(1, of: "cairo", cause: "killed")
            let open = try await edge.get("/v1/punches").body
            #expect(open.contains(#""complete":false"#))
            #expect(
                open.contains(
                    #"{"location":"cairo","state":"LINK_STATE_UNREACHABLE","#
                        + #""complete_through":"2026-03-01T08:01:40Z","last_sequence":"5"}"#))
            #expect(open.contains(#""sequence":"2""#))
            let past = try await edge.get("/v1/punches?to=2026-03-01T08:01:40Z").body
            #expect(past.contains(#""complete":true"#))
            let later = try await edge.get("/v1/punches?to=2026-03-01T08:01:41Z").body
            #expect(later.contains(#""complete":false"#))
        }
    }

    @Test func `new punches come as events, and a reader goes on behind the last`() async throws {
        try await EdgeFixture.with { edge in
            var log = try await edge.addCairo()
            let start = try await edge.events("/v1/live", count: 1)
            #expect(start.head.contains("Content-Type: text/event-stream"))
            let first = try #require(start.events.first)
            #expect(first.data.hasPrefix(#"{"data":[],"next_cursor":"#))
            #expect(first.data.contains(first.id))

            log.punch("CK1", "9", 30)
            let more = log.batch(after: 5)
            _ = try await edge.stored.store.ingest(more, from: "cairo", at: at(111))
            for request in [
                ("/v1/live", "Last-Event-ID: \(first.id)\r\n"), ("/v1/live?cursor=\(first.id)", ""),
                // The event that came last goes before the address that was asked for.
                ("/v1/live?cursor=x", "Last-Event-ID: \(first.id)\r\n"),
            ] {
                let resumed = try await edge.events(request.0, request.1, count: 1)
                #expect(resumed.events.first?.data.contains(#""user":"9""#) == true)
            }
        }
    }

    @Test func `a stream that cannot begin is a problem, not a stream`() async throws {
        try await EdgeFixture.with { edge in
            try await edge.addCairo()
            for (target, status, code) in [
                ("/v1/live?cursor=x", "400", "invalid_cursor"),
                ("/v1/live?location=cario", "400", "unknown_location"),
                ("/v1/live?limit=1001", "400", "invalid_parameter"),
            ] {
                let answer = try await edge.get(target)
                #expect(answer.status == status, "\(target)")
                #expect(answer.head.contains("application/problem+json"))
                #expect(answer.body.contains("\"code\":\"\(code)\""), "\(target)")
            }
            let head = try await edge.get("/v1/live", method: "HEAD")
            #expect(head.status == "200" && head.body == "")
        }
    }
}
