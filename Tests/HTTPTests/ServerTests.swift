import HTTP
import Synchronization
import Testing
import Transport

/// A server on a free port with its loop, for the length of a test.
struct RunningServer: Sendable {
    let server: HTTPServer
    let loop: EventLoop

    /// Runs `body` beside a server, then stops the server and waits for it.
    static func with(
        options: HTTPServerOptions = HTTPServerOptions(),
        handler: @escaping HTTPServer.Handler,
        _ body: (RunningServer) async throws -> Void
    ) async throws {
        let loop = EventLoop(name: "http-test")
        defer { loop.shutdown() }
        let clock = ContinuousClock()
        let start = clock.now
        let server = try HTTPServer(
            address: SocketAddress(host: "127.0.0.1", port: 0), loop: loop, tls: nil,
            clock: HTTPClock(
                unixSeconds: { 784_111_777 }, uptime: { start.duration(to: clock.now) }),
            options: options, handler: handler)
        async let running: Void = server.run()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(RunningServer(server: server, loop: loop))) } catch {
            outcome = .failure(error)
        }
        server.drain()
        await running
        try outcome.get()
    }

    func connect() async throws -> ByteStream {
        try await ByteStream.connect(to: server.localAddress, on: loop, timeout: .seconds(60))
    }

    /// Sends `text` and returns all that comes until the server closes.
    func exchange(_ text: String) async throws -> String {
        let stream = try await connect()
        defer { stream.close() }
        try await stream.write(Array(text.utf8))
        return try await readAll(stream)
    }

    func readAll(_ stream: ByteStream) async throws -> String {
        var bytes: [UInt8] = []
        while true {
            let piece = try await stream.read(timeout: .seconds(20))
            if piece.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece
        }
    }

    /// Reads until `text` has arrived.
    func read(_ stream: ByteStream, until text: String) async throws -> String {
        var bytes: [UInt8] = []
        while !String(decoding: bytes, as: UTF8.self).contains(text) {
            let piece = try await stream.read(timeout: .seconds(20))
            guard !piece.isEmpty else { break }
            bytes += piece
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Answers with the method, the path and the length of the body.
private let echo: HTTPServer.Handler = { request in
    .text(.ok, "\(request.head.method) \(request.head.target.path) \(request.body.count)")
}

@Suite struct ServerTests {
    static let head = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

    @Test func `an answer is exactly these bytes`() async throws {
        try await RunningServer.with(handler: echo) { server in
            let answer = try await server.exchange(
                "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(
                answer == Self.head + "Content-Type: text/plain; charset=utf-8\r\n"
                    + "Content-Length: 8\r\nConnection: close\r\n\r\nGET /a 0")
        }
    }

    @Test func `pipelined requests are answered in order on one connection`() async throws {
        try await RunningServer.with(handler: echo) { server in
            let answer = try await server.exchange(
                "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
                    + "HEAD /2 HTTP/1.1\r\nHost: h\r\n\r\n"
                    + "POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
                    + "GET /4 HTTP/1.0\r\n\r\n")
            let answers = answer.split(separator: "HTTP/1.1 ")
            #expect(answers.count == 4)
            let bodies = answers.map {
                $0.split(
                    separator: "\r\n\r\n", omittingEmptySubsequences: false
                ).last ?? ""
            }
            #expect(bodies == ["GET /1 0", "", "POST /3 2", "GET /4 0"])
        }
    }

    @Test func `a malformed request gets 4xx, the connection ends, and the server lives`()
        async throws
    {
        var options = HTTPServerOptions()
        options.lingerTimeout = .milliseconds(20)
        try await RunningServer.with(options: options, handler: echo) { server in
            for attempt in SmugglingTests.attempts {
                let answer = try await server.exchange(attempt.text + "\r\n\r\n")
                #expect(
                    answer.hasPrefix("HTTP/1.1 \(attempt.status.code) "), "\(attempt.name)")
                #expect(answer.contains("Connection: close\r\n"), "\(attempt.name)")
                #expect(!answer.contains("/admin"), "\(attempt.name)")
            }
            let long = String(repeating: "a", count: 100_000)
            for (text, code) in [
                ("GET /\(long) HTTP/1.1\r\nHost: h\r\n\r\n", "414"),
                ("GET / HTTP/1.1\r\nHost: h\r\nX: \(long)\r\n\r\n", "431"),
                ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n\(long)", "413"),
            ] {
                #expect(try await server.exchange(text).hasPrefix("HTTP/1.1 \(code) "))
            }
            #expect(
                try await server.exchange("GET / HTTP/1.0\r\n\r\n").hasSuffix("\r\n\r\nGET / 0"))
        }
    }

    @Test func `100-continue is sent before the body is waited for`() async throws {
        try await RunningServer.with(handler: echo) { server in
            let stream = try await server.connect()
            defer { stream.close() }
            try await stream.write(
                Array(
                    ("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                        + "Expect: 100-continue\r\nConnection: close\r\n\r\n").utf8))
            let interim = try await server.read(stream, until: "\r\n\r\n")
            #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
            try await stream.write(Array("abc".utf8))
            #expect(try await server.readAll(stream).hasSuffix("PUT /x 3"))
        }
    }

    @Test func `a streamed body is chunked for 1.1 and ends the connection for 1.0`() async throws {
        try await RunningServer.with(handler: { _ in
            HTTPResponse(
                .ok,
                body: .stream { writer in
                    try await writer.write(Array("hello".utf8))
                    try await writer.write([])
                    try await writer.write(Array("world, again".utf8))
                })
        }) { server in
            let new = try await server.exchange(
                "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(
                new == Self.head + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                    + "5\r\nhello\r\nc\r\nworld, again\r\n0\r\n\r\n")
            let old = try await server.exchange("GET / HTTP/1.0\r\n\r\n")
            #expect(old == Self.head + "Connection: close\r\n\r\nhelloworld, again")
        }
    }

    @Test func `a body that fails is cut off without its end`() async throws {
        struct Failure: Error {}
        try await RunningServer.with(handler: { _ in
            HTTPResponse(
                .ok,
                body: .stream { writer in
                    try await writer.write([65])
                    throw Failure()
                })
        }) { server in
            let answer = try await server.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(answer.hasSuffix("1\r\nA\r\n"))
        }
    }

    @Test func `a head or body that stalls gets 408, an idle connection just ends`() async throws {
        var options = HTTPServerOptions()
        options.headTimeout = .milliseconds(50)
        options.idleTimeout = .milliseconds(50)
        options.bodyTimeout = .milliseconds(50)
        options.lingerTimeout = .milliseconds(20)
        try await RunningServer.with(options: options, handler: echo) { server in
            #expect(try await server.exchange("GET / HT").hasPrefix("HTTP/1.1 408 "))
            let body = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na"
            #expect(try await server.exchange(body).hasPrefix("HTTP/1.1 408 "))
            let stream = try await server.connect()
            #expect(try await server.readAll(stream) == "")
            stream.close()
        }
    }

    @Test func `one connection too many costs the idlest`() async throws {
        var options = HTTPServerOptions()
        options.maxConnections = 2
        try await RunningServer.with(options: options, handler: echo) { server in
            let request = Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
            var streams: [ByteStream] = []
            for _ in 0..<3 {
                let stream = try await server.connect()
                try await stream.write(request)
                _ = try await server.read(stream, until: "GET / 0")
                streams.append(stream)
            }
            #expect(try await server.readAll(streams[0]) == "")
            for stream in streams.dropFirst() {
                try await stream.write(request)
                #expect(try await server.read(stream, until: "GET / 0").contains("200 OK"))
                stream.close()
            }
        }
    }

    @Test func `draining ends idle connections and lets the request in progress finish`()
        async throws
    {
        let (entered, enter) = AsyncStream<Void>.makeStream()
        let (released, release) = AsyncStream<Void>.makeStream()
        try await RunningServer.with(handler: { _ in
            enter.finish()
            for await _ in released {}
            return .text(.ok, "done")
        }) { server in
            let idle = try await server.connect()
            let busy = try await server.connect()
            try await busy.write(Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8))
            for await _ in entered {}
            server.server.drain()
            _ = try? await server.readAll(idle)
            release.finish()
            let answer = try await server.readAll(busy)
            #expect(answer.contains("Connection: close"))
            #expect(answer.hasSuffix("done"))
            await #expect(throws: TransportError.self) { _ = try await server.connect() }
        }
    }

    @Test func `plain HTTP beyond the machine is refused at start`() throws {
        let loop = EventLoop(name: "http-test")
        defer { loop.shutdown() }
        let clock = HTTPClock(unixSeconds: { 0 }, uptime: { .zero })
        for host in ["0.0.0.0", "::", "192.0.2.1"] {
            let error = #expect(throws: TransportError.self) {
                _ = try HTTPServer(
                    address: SocketAddress(host: host, port: 0), loop: loop, tls: nil,
                    clock: clock, handler: echo)
            }
            #expect(error?.message.contains("set a TLS certificate and key") == true)
        }
    }
}
