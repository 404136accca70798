/// An answer.
public struct HTTPResponse: Sendable {
    /// What follows the head.
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Written piece by piece while the closure runs; the piece is with the kernel when the
        /// writer returns, so a slow client slows the closure down.
        ///
        /// Before it has written anything, the closure can throw ``HTTPInstead``.
        case stream(@Sendable (HTTPBodyWriter) async throws -> Void)
    }

    public var status: HTTPStatus
    /// Without `Date`, `Content-Length`, `Transfer-Encoding` and `Connection`, which the server
    /// sets.
    public var fields: [HTTPField]
    public var body: Body

    public init(_ status: HTTPStatus, fields: [HTTPField] = [], body: Body = .bytes([])) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// A body of plain text.
    public static func text(_ status: HTTPStatus, _ text: String) -> HTTPResponse {
        HTTPResponse(
            status, fields: [HTTPField("Content-Type", "text/plain; charset=utf-8")],
            body: .bytes(Array(text.utf8)))
    }
}

/// Thrown by a streamed body that has not begun: what is answered in its place.
public struct HTTPInstead: Error, Sendable {
    public let response: HTTPResponse

    public init(_ response: HTTPResponse) { self.response = response }
}

/// Where the pieces of a streamed body go; for one task.
public struct HTTPBodyWriter: Sendable {
    let send: @Sendable ([UInt8]) async throws -> Void

    /// Sends the response's head, if no piece has done that yet.
    public func begin() async throws { try await send([]) }

    /// Sends a piece; an empty one sends nothing.
    public func write(_ bytes: [UInt8]) async throws {
        if !bytes.isEmpty { try await send(bytes) }
    }
}

/// Writes heads and chunks.
enum ResponseEncoder {
    /// How the body of a response is delimited.
    enum Framing: Equatable {
        case length(Int)
        case chunked
        /// For HTTP/1.0: the end of the connection is the end of the body.
        case untilClose
    }

    static func head(
        _ response: HTTPResponse, framing: Framing, date: String, keepsAlive: Bool
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        bytes.append(contentsOf: "HTTP/1.1 \(response.status.code) \(response.status.reason)".utf8)
        append("Date", date, to: &bytes)
        for field in response.fields { append(field.name, field.value, to: &bytes) }
        if !response.status.isBodiless {
            switch framing {
            case .length(let length): append("Content-Length", String(length), to: &bytes)
            case .chunked: append("Transfer-Encoding", "chunked", to: &bytes)
            case .untilClose: break
            }
        }
        append("Connection", keepsAlive ? "keep-alive" : "close", to: &bytes)
        bytes.append(contentsOf: "\r\n\r\n".utf8)
        return bytes
    }

    /// A control character in a value becomes a space, so that no value can add a line.
    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "\r\n".utf8)
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: ": ".utf8)
        for byte in value.utf8 {
            bytes.append(byte < 0x20 || byte == 0x7F ? ASCII.space : byte)
        }
    }

    static func chunk(_ piece: [UInt8]) -> [UInt8] {
        var bytes = Array(String(piece.count, radix: 16).utf8)
        bytes.reserveCapacity(piece.count + 16)
        bytes.append(contentsOf: "\r\n".utf8)
        bytes.append(contentsOf: piece)
        bytes.append(contentsOf: "\r\n".utf8)
        return bytes
    }

    static let lastChunk = Array("0\r\n\r\n".utf8)
}

/// The date format of HTTP.
public enum HTTPDate {
    /// `Sun, 06 Nov 1994 08:49:37 GMT` for seconds since 1970; times before it count as 1970.
    public static func text(unixSeconds: Int64) -> String {
        let seconds = max(0, unixSeconds)
        let days = seconds / 86_400
        let rest = seconds % 86_400
        let (year, month, day) = civil(days: days)
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(days % 7)]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let time = [rest / 3600, rest / 60 % 60, rest % 60].map(padded).joined(separator: ":")
        return "\(weekday), \(padded(day)) \(months[month - 1]) \(year) \(time) GMT"
    }

    private static func padded(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }

    /// The Gregorian date that many days after 1970-01-01.
    ///
    /// Years begin in March in between, so
    /// that the leap day comes last.
    private static func civil(days: Int64) -> (year: Int64, month: Int, day: Int64) {
        let shifted = days &+ 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), Int(month), day)
    }
}
