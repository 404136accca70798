import Testing

@testable import HTTP

@Suite struct ResponseTests {
    @Test func `a head has its lines in order`() {
        let response = HTTPResponse(.ok, fields: [HTTPField("Content-Type", "text/plain")])
        let bytes = ResponseEncoder.head(
            response, framing: .length(3), date: "D", keepsAlive: true)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\n"
                + "Content-Length: 3\r\nConnection: keep-alive\r\n\r\n")
    }

    @Test func `a value cannot add a line`() {
        let response = HTTPResponse(.ok, fields: [HTTPField("X", "a\r\nSet-Cookie: b")])
        let bytes = ResponseEncoder.head(
            response, framing: .length(0), date: "D", keepsAlive: false)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
        #expect(lines.contains("X: a  Set-Cookie: b"))
        #expect(!lines.contains { $0.hasPrefix("Set-Cookie") })
    }

    @Test func `a response without a body says no length`() {
        let bytes = ResponseEncoder.head(
            HTTPResponse(.noContent), framing: .length(0), date: "D", keepsAlive: true)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("Content-Length"))
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (-5, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] as [(Int64, String)])
    func `dates are those of the calendar`(seconds: Int64, text: String) {
        #expect(HTTPDate.text(unixSeconds: seconds) == text)
    }

    @Test func `JSON is written in order and escaped`() {
        var json = DocumentWriter()
        json.object { json in
            json.member("b", "q\" \\ \n \u{1} é \u{7F}")
            json.member("a", 42 as UInt64)
            json.key("list")
            json.array { json in
                json.null()
                json.boolean(true)
                json.object { _ in }
                json.array { $0.number(-1) }
            }
            json.member("none", nil as String?)
        }
        #expect(
            String(decoding: json.bytes, as: UTF8.self)
                == #"{"b":"q\" \\ \n \u0001 é \u007f","a":42,"list":[null,true,{},[-1]],"#
                + #""none":null}"#)
    }
}
