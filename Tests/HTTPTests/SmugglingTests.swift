import HTTP
import Testing

/// Requests that two readers could read in two ways, or that no careful client sends.
@Suite struct SmugglingTests {
    struct Attempt: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let status: HTTPStatus
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ status: HTTPStatus = .badRequest) {
            self.name = name
            self.text = text
            self.status = status
        }

        /// A request with these field lines behind `Host` and this body.
        init(_ name: String, fields: String, body: String = "", _ status: HTTPStatus = .badRequest)
        {
            self.init(name, "POST / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\(body)", status)
        }
    }

    static let smuggled = "GET /admin HTTP/1.1\r\nHost: h\r\n\r\n"
    static let attempts: [Attempt] = [
        Attempt(
            "CL.TE", fields: "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            body: "0\r\n\r\n" + smuggled),
        Attempt(
            "TE.CL", fields: "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
            body: "0\r\n\r\n" + smuggled),
        Attempt(
            "two equal lengths", fields: "Content-Length: 0\r\nContent-Length: 0\r\n",
            body: smuggled),
        Attempt("a list of lengths", fields: "Content-Length: 3, 3\r\n", body: "abc"),
        Attempt("a signed length", fields: "Content-Length: +3\r\n", body: "abc"),
        Attempt("a negative length", fields: "Content-Length: -1\r\n"),
        Attempt("a hexadecimal length", fields: "Content-Length: 0x3\r\n", body: "abc"),
        Attempt("an empty length", fields: "Content-Length:\r\n"),
        Attempt(
            "a length that overflows", fields: "Content-Length: 99999999999999999999\r\n",
            .contentTooLarge),
        Attempt("a space before the colon", fields: "Content-Length : 3\r\n", body: "abc"),
        Attempt("a tab before the colon", fields: "Transfer-Encoding\t: chunked\r\n"),
        Attempt("a folded line", fields: "X: a\r\n b\r\n"),
        Attempt("a folded first line", "GET / HTTP/1.1\r\n Host: h\r\n\r\n"),
        Attempt("an empty name", fields: ": a\r\n"),
        Attempt("no colon", fields: "Transfer-Encoding chunked\r\n"),
        Attempt("a bare CR in a value", fields: "X: a\rb\r\n"),
        Attempt("a bare LF as line end", fields: "X: a\n"),
        Attempt("a NUL in a value", fields: "X: a\u{0}b\r\n"),
        Attempt("a control character in a value", fields: "X: a\u{1}b\r\n"),
        Attempt("an LF alone behind the head", "GET / HTTP/1.1\r\nHost: h\r\n\n"),
        Attempt(
            "a coding that only looks chunked", fields: "Transfer-Encoding: xchunked\r\n",
            .notImplemented),
        Attempt(
            "chunked twice", fields: "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            .notImplemented),
        Attempt(
            "chunked not last", fields: "Transfer-Encoding: chunked, identity\r\n", .notImplemented),
        Attempt("identity", fields: "Transfer-Encoding: identity\r\n", .notImplemented),
        Attempt("an empty coding", fields: "Transfer-Encoding:\r\n", .notImplemented),
        Attempt(
            "a coding in HTTP/1.0",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Attempt("no chunk size", fields: "Transfer-Encoding: chunked\r\n", body: "\r\n"),
        Attempt("a signed chunk size", fields: "Transfer-Encoding: chunked\r\n", body: "+1\r\n"),
        Attempt("0x chunk size", fields: "Transfer-Encoding: chunked\r\n", body: "0x1\r\n"),
        Attempt(
            "a chunk size of 16 digits", fields: "Transfer-Encoding: chunked\r\n",
            body: "0000000000000001\r\n", .contentTooLarge),
        Attempt(
            "a chunk longer than its size", fields: "Transfer-Encoding: chunked\r\n",
            body: "1\r\nab\r\n"),
        Attempt(
            "a chunk size that ends in LF", fields: "Transfer-Encoding: chunked\r\n",
            body: "1\nab\r\n"),
        Attempt(
            "a bare LF in a chunk extension", fields: "Transfer-Encoding: chunked\r\n",
            body: "1;x\ny\r\na\r\n"),
        Attempt(
            "a folded trailer", fields: "Transfer-Encoding: chunked\r\n",
            body: "0\r\n X: y\r\n\r\n"),
        Attempt("no Host", "GET / HTTP/1.1\r\n\r\n"),
        Attempt("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        Attempt("a path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        Attempt("two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("a tab for a space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("a space behind the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"),
        Attempt("no version", "GET /\r\n\r\n"),
        Attempt("a lower-case version", "GET / http/1.1\r\nHost: h\r\n\r\n"),
        Attempt("a version of two digits", "GET / HTTP/1.10\r\nHost: h\r\n\r\n"),
        Attempt("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .versionNotSupported),
        Attempt("a method with a colon", "GE:T / HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("an authority as target", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("a target without a slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("a fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("a raw byte above 127", "GET /é HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("half a percent", "GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("a percent without digits", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("an encoded NUL", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("an encoded line end", "GET /?a=%0d%0aX: y HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("an overlong slash", "GET /%c0%af HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("a dot segment", "GET /v1/../etc HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt("an encoded dot segment", "GET /v1/%2e%2e/etc HTTP/1.1\r\nHost: h\r\n\r\n"),
        Attempt(
            "another expectation", fields: "Expect: 200-maybe\r\n", .expectationFailed),
        Attempt("a TLS hello", "\u{16}\u{3}\u{1}\u{0}\n"),
    ]

    @Test(arguments: attempts)
    func `an ambiguous request is refused with no second request behind it`(attempt: Attempt) {
        for step in [1, .max] {
            let parsed = parse(attempt.text, step: step)
            #expect(parsed.refusal?.status == attempt.status)
            #expect(parsed.heads.count <= 1)
            #expect(!parsed.heads.contains { $0.target.path == "/admin" })
        }
    }
}
