import Transport

/// What a server answered.
struct PushReply: Sendable {
    var status: Int
    /// Seconds since 1970, from the `Date` header.
    var date: Int64?
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Why a request has no answer.
struct PushFailure: Error, CustomStringConvertible {
    var description: String
}

/// A small HTTP/1.1 client, as much as terminals have: one connection, one request after another.
final class PushHTTP {
    /// What is cut off on purpose, to try the server.
    enum Cut: Sendable {
        /// The connection ends in the middle of the body.
        case body
        /// The answer is not waited for.
        case answer
    }

    private static let headMax = 16_384
    private static let bodyMax = 1 << 20
    private static let timeout = Duration.seconds(30)

    private let address: SocketAddress
    private let loop: EventLoop
    private let mac: String
    private var stream: ByteStream?
    private var unread: [UInt8] = []

    init(to address: SocketAddress, mac: String, on loop: EventLoop) {
        self.address = address
        self.mac = mac
        self.loop = loop
    }

    func close() {
        stream?.close()
        stream = nil
        unread = []
    }

    /// Sends a request and reads its answer; after a failure the next one connects anew.
    func send(
        _ target: String, body: [UInt8]? = nil, cut: Cut? = nil
    ) async throws(PushFailure) -> PushReply {
        do {
            return try await exchange(target, body, cut)
        } catch let failure as PushFailure {
            close()
            throw failure
        } catch {
            close()
            throw PushFailure(description: "\(error)")
        }
    }

    private func exchange(
        _ target: String, _ body: [UInt8]?, _ cut: Cut?
    ) async throws -> PushReply {
        let stream: ByteStream
        if let open = self.stream {
            stream = open
        } else {
            stream = try await ByteStream.connect(to: address, on: loop, timeout: Self.timeout)
            self.stream = stream
        }
        var head = "\(body == nil ? "GET" : "POST") \(target) HTTP/1.1\r\nHost: \(address)\r\n"
        head += "User-Agent: iClock Proxy/1.09\r\nAccept: */*\r\nMAC: \(mac)\r\n"
        if let body { head += "Content-Type: text/plain\r\nContent-Length: \(body.count)\r\n" }
        var bytes = Array((head + "\r\n").utf8) + (body ?? [])
        if case .body = cut { bytes.removeLast(max(1, (body ?? []).count / 2)) }
        try await stream.write(bytes, timeout: Self.timeout)
        if case .body = cut { throw PushFailure(description: "cut in the body") }
        let reply = try await readReply(stream)
        if case .answer = cut { throw PushFailure(description: "the answer was lost") }
        return reply
    }

    private func readReply(_ stream: ByteStream) async throws -> PushReply {
        var end: Int?
        while end == nil {
            end = Self.endOfHead(unread)
            guard end == nil else { break }
            guard unread.count <= Self.headMax else {
                throw PushFailure(description: "the head of the answer is too long")
            }
            try await readMore(stream)
        }
        let head = String(decoding: unread[..<(end ?? 0)], as: UTF8.self)
        unread.removeFirst(end ?? 0)
        var lines = head.split(whereSeparator: \.isNewline)[...]
        let words = (lines.popFirst() ?? "").split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw PushFailure(description: "the answer is no HTTP")
        }
        var fields: [String: String] = [:]
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] = String(
                line[line.index(after: colon)...].drop { $0 == " " })
        }
        guard let length = fields["content-length"].flatMap({ Int($0) }),
            0...Self.bodyMax ~= length
        else { throw PushFailure(description: "the answer has no usable Content-Length") }
        while unread.count < length { try await readMore(stream) }
        let body = Array(unread[..<length])
        unread.removeFirst(length)
        if fields["connection"]?.lowercased() == "close" { close() }
        return PushReply(status: status, date: fields["date"].flatMap(Self.seconds), body: body)
    }

    private func readMore(_ stream: ByteStream) async throws {
        let piece = try await stream.read(timeout: Self.timeout)
        guard !piece.isEmpty else { throw PushFailure(description: "the server hung up") }
        unread += piece
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 3..<bytes.count
        where bytes[index] == 10 && bytes[index - 1] == 13 && bytes[index - 2] == 10
            && bytes[index - 3] == 13
        {
            return index + 1
        }
        return nil
    }

    /// `Mon, 23 Nov 2026 01:02:03 GMT`.
    static func seconds(_ text: String) -> Int64? {
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let words = text.split(whereSeparator: { " :".contains($0) })
        guard words.count == 8, words[7] == "GMT", let day = Int64(words[1]),
            let month = months.firstIndex(of: String(words[2])), let year = Int64(words[3]),
            let hour = Int64(words[4]), let minute = Int64(words[5]),
            let second = Int64(words[6]), 1970...9999 ~= year, 1...31 ~= day
        else { return nil }
        // Years that begin with March put the leap day last.
        let shifted = month < 2 ? year - 1 : year
        let place = Int64(month < 2 ? month + 10 : month - 2)
        let leapDays = shifted / 4 - shifted / 100 + shifted / 400
        let days = shifted * 365 + leapDays + (153 * place + 2) / 5 + day - 1 - 719_468
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }
}
