import HTTP
import Testing

@Suite struct RequestParserTests {
    @Test func `a request is the same in one piece and byte by byte`() throws {
        let text =
            "POST /v1/a%20b//c?x=1&y=%C3%A9+z&flag HTTP/1.1\r\nHost: example.org:8443\r\n"
            + "X-One:  two\t\r\nContent-Length: 5\r\n\r\nhello"
        let whole = parse(text)
        #expect(whole == parse(text, step: 1))
        let head = try #require(whole.heads.first)
        #expect(head.method == "POST")
        #expect(head.target.segments == ["v1", "a b", "", "c"])
        #expect(head.target.path == "/v1/a%20b//c")
        #expect(head.target.query == [.init("x", "1"), .init("y", "é z"), .init("flag", "")])
        #expect(head.fields.only("x-one") == "two")
        #expect(whole.bodies == [Array("hello".utf8)])
        #expect(whole.isBetweenRequests)
    }

    @Test func `pipelined requests come out one by one`() {
        let one = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
        let two =
            "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
        for step in [1, 2, 3, 7, 64, .max] {
            let parsed = parse(one + two + one, step: step)
            #expect(parsed.heads.map(\.method) == ["GET", "POST", "GET"])
            #expect(parsed.bodies == [[], Array("abc0123456789".utf8), []])
            #expect(parsed.refusal == nil)
        }
    }

    @Test func `a request cut short anywhere waits and is not refused`() {
        let text = Array(
            ("POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n0\r\n\r\n").utf8)
        for length in 1..<text.count {
            let parsed = parse(Array(text[..<length]))
            #expect(parsed.refusal == nil, "cut at \(length)")
            #expect(parsed.bodies.isEmpty, "cut at \(length)")
            #expect(!parsed.isBetweenRequests, "cut at \(length)")
        }
    }

    @Test func `a flipped byte never stops the parser and never makes two requests of one`() {
        let text = Array(
            ("POST /b?c=%41 HTTP/1.1\r\nHost: h\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n0\r\n\r\n").utf8)
        for index in text.indices {
            for mask in [0x01, 0x02, 0x20, 0x80, 0xFF] as [UInt8] {
                var bytes = text
                bytes[index] ^= mask
                let parsed = parse(bytes)
                #expect(parsed.heads.count <= 1, "byte \(index) ^ \(mask)")
            }
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo , CLOSE\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
    ])
    func `keep-alive follows version and Connection`(text: String, keeps: Bool) throws {
        #expect(try #require(parse(text).heads.first).keepsAlive == keeps)
    }

    @Test func `absolute targets lose their authority`() throws {
        let parsed = parse("GET HTTP://other:80/x?y=1 HTTP/1.1\r\nHost: h\r\n\r\n")
        let target = try #require(parsed.heads.first).target
        #expect(target.raw == "/x?y=1")
        #expect(target.segments == ["x"])
    }

    @Test func `one empty line before a request is ignored`() {
        #expect(parse("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").heads.count == 1)
        #expect(parse("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").refusal?.status == .badRequest)
    }

    @Test func `each limit is exact and names itself`() {
        var limits = HTTPLimits()
        limits.requestLine = 20
        limits.fieldCount = 2
        limits.fieldBytes = 40
        limits.body = 4
        let cases: [(String, HTTPStatus?)] = [
            ("GET /234567 HTTP/1.1\r\nHost: h\r\n\r\n", nil),
            ("GET /2345678 HTTP/1.1\r\nHost: h\r\n\r\n", .uriTooLong),
            ("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n", nil),
            ("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nC: d\r\n\r\n", .headerFieldsTooLarge),
            ("GET / HTTP/1.1\r\nHost: h\r\nA: 4567890123456789012345678\r\n\r\n", nil),
            (
                "GET / HTTP/1.1\r\nHost: h\r\nA: 45678901234567890123456789012345\r\n\r\n",
                .headerFieldsTooLarge
            ),
            ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabcd", nil),
            ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", .contentTooLarge),
        ]
        for (text, status) in cases {
            #expect(parse(text, limits: limits).refusal?.status == status, "\(text)")
        }
        let chunked = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: h\r\n\r\n"
        limits.fieldBytes = 100
        #expect(
            parse(chunked + "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n", limits: limits).bodies.count == 1)
        let refusal = parse(chunked + "2\r\nab\r\n3\r\n", limits: limits).refusal
        #expect(refusal == HTTPError(.contentTooLarge, "the body is larger than 4 bytes"))
    }

    @Test func `a line without an end is refused at its limit and not kept for ever`() {
        var parser = RequestParser()
        var refusal: HTTPError?
        for _ in 0..<20 where refusal == nil {
            parser.append([UInt8](repeating: UInt8(ascii: "a"), count: 1024))
            do throws(HTTPError) { _ = try parser.next() } catch { refusal = error }
        }
        #expect(refusal?.status == .uriTooLong)
    }

    @Test func `random bytes never stop the parser`() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("GET /%2?&= HTTP/1.1\r\n\r\n:;,0aFchunkedHost\u{0}\u{80}".utf8)
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0..<200, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            let tail = Array("\r\nHost: h\r\n\r\n".utf8)
            let whole = parse(Array("GET / HTTP/1.1\r\n".utf8) + bytes + tail)
            let split = parse(Array("GET / HTTP/1.1\r\n".utf8) + bytes + tail, step: 3)
            #expect(whole.heads == split.heads, "\(bytes)")
            #expect(whole.refusal == split.refusal, "\(bytes)")
        }
    }
}
