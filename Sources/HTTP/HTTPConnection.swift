import Synchronization
import Transport

/// One connection of a server: requests in turn, each answered before the next is looked at.
struct HTTPConnection: ~Copyable {
    private let server: HTTPServer
    private let stream: ByteStream
    private let id: Int
    private var parser: RequestParser

    /// Why a connection ends without an answer.
    private enum End: Error {
        /// The client is gone, or nothing came in time.
        case gone
        case refused(HTTPError)
    }

    init(server: HTTPServer, stream: ByteStream, id: Int) {
        self.server = server
        self.stream = stream
        self.id = id
        parser = RequestParser(limits: server.options.limits)
    }

    consuming func run() async {
        do throws(TransportError) {
            try await stream.handshake(timeout: server.options.handshakeTimeout)
        } catch {
            server.report(.handshakeFailed(remote: stream.remoteAddress, error))
            return
        }
        do throws(End) {
            while try await serveOne() {}
        } catch {
            if case .refused(let refusal) = error { await refuse(refusal) }
        }
    }

    /// Serves the next request; false when it was the last.
    private mutating func serveOne() async throws(End) -> Bool {
        guard let head = try await readHead() else { return false }
        var reserved = 0
        defer { if reserved > 0 { server.releaseBody(reserved) } }
        let body = try await readBody(of: head, &reserved)
        let request = HTTPRequest(head: head, body: body, remote: stream.remoteAddress)
        let response = await server.handler(request)
        return await send(response, to: head)
    }

    // MARK: Reading

    /// The head of the next request; nil when the client sends none.
    private mutating func readHead() async throws(End) -> RequestHead? {
        // A pipelined request may lie in the parser already.
        var event = try parse()
        if event == nil, parser.isBetweenRequests {
            guard server.setIdle(true, id: id) else { return nil }
            guard let bytes = await read(timeout: server.options.idleTimeout) else { return nil }
            guard server.setIdle(false, id: id) else { return nil }
            parser.append(bytes)
            event = try parse()
        } else {
            _ = server.setIdle(false, id: id)
        }
        let deadline = server.clock.uptime() + server.options.headTimeout
        while event == nil {
            let left = deadline - server.clock.uptime()
            guard left > .zero, let bytes = await read(timeout: left) else {
                if left <= .zero || server.clock.uptime() >= deadline {
                    throw .refused(HTTPError(.requestTimeout, "the head did not arrive in time"))
                }
                throw .gone
            }
            parser.append(bytes)
            event = try parse()
        }
        guard case .head(let head) = event else {
            preconditionFailure("the parser began a request without a head")
        }
        return head
    }

    /// `reserved` is what the body takes of the server's budget, also when this throws.
    private mutating func readBody(
        of head: RequestHead, _ reserved: inout Int
    ) async throws(End) -> [UInt8] {
        if head.expectsContinue { await write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
        var body: [UInt8] = []
        var spanEnd = server.clock.uptime() + server.options.bodyTimeout
        var spanBytes = 0
        while true {
            switch try parse() {
            case .body(let piece):
                guard server.reserveBody(piece.count) else {
                    throw .refused(HTTPError(.unavailable, "too many bodies are being received"))
                }
                reserved += piece.count
                body.append(contentsOf: piece)
            case .end: return body
            case .head: preconditionFailure("the parser began a request inside another")
            case nil:
                let now = server.clock.uptime()
                if spanBytes >= server.options.bodyProgress {
                    spanBytes = 0
                    spanEnd = now + server.options.bodyTimeout
                }
                guard now < spanEnd, let bytes = await read(timeout: spanEnd - now) else {
                    if server.clock.uptime() >= spanEnd {
                        throw .refused(HTTPError(.requestTimeout, "the body came too slowly"))
                    }
                    throw .gone
                }
                spanBytes += bytes.count
                parser.append(bytes)
            }
        }
    }

    private mutating func parse() throws(End) -> RequestParser.Event? {
        do throws(HTTPError) {
            return try parser.next()
        } catch {
            throw .refused(error)
        }
    }

    /// What arrived; nil at the end of the stream, after an error, and when nothing came in time.
    private func read(timeout: Duration) async -> [UInt8]? {
        guard let bytes = try? await stream.read(atMost: 65_536, timeout: timeout),
            !bytes.isEmpty
        else { return nil }
        return bytes
    }

    // MARK: Writing

    /// Whether the bytes left.
    @discardableResult
    private func write(_ bytes: [UInt8]) async -> Bool {
        do throws(TransportError) {
            try await stream.write(bytes, timeout: server.options.writeTimeout)
            return true
        } catch {
            return false
        }
    }

    /// Sends a response; true when the connection can take another request.
    private func send(_ response: HTTPResponse, to head: RequestHead) async -> Bool {
        let date = HTTPDate.text(unixSeconds: server.clock.unixSeconds())
        let isHead = head.method == "HEAD"
        switch response.body {
        case .bytes(let body):
            let keeps = head.keepsAlive && !server.isDraining
            var bytes = ResponseEncoder.head(
                response, framing: .length(body.count), date: date, keepsAlive: keeps)
            if !isHead, !response.status.isBodiless { bytes.append(contentsOf: body) }
            return await write(bytes) && keeps
        case .stream(let produce):
            let framing: ResponseEncoder.Framing = head.minorVersion > 0 ? .chunked : .untilClose
            let keeps = head.keepsAlive && !server.isDraining && framing == .chunked
            let start = ResponseEncoder.head(
                response, framing: framing, date: date, keepsAlive: keeps)
            if isHead || response.status.isBodiless { return await write(start) && keeps }
            let end = await stream(produce, behind: start, framing: framing)
            if case .instead(let other) = end { return await send(other, to: head) }
            return end == .whole && keeps
        }
    }

    /// How a streamed body ended.
    private enum BodyEnd: Equatable {
        case whole
        case cut
        /// It had not begun; this is answered.
        case instead(HTTPResponse)

        static func == (left: BodyEnd, right: BodyEnd) -> Bool {
            switch (left, right) {
            case (.whole, .whole), (.cut, .cut): true
            default: false
            }
        }
    }

    /// Runs a streamed body.
    ///
    /// One that fails is cut off without its end, so that the client sees
    /// that it is not whole.
    private func stream(
        _ produce: @Sendable (HTTPBodyWriter) async throws -> Void, behind head: [UInt8],
        framing: ResponseEncoder.Framing
    ) async -> BodyEnd {
        let (stream, timeout) = (stream, server.options.writeTimeout)
        let unsent = Lock(head)
        let writer = HTTPBodyWriter { piece in
            // The head leaves with the first piece.
            var bytes = unsent.withLock { head in
                defer { head = [] }
                return head
            }
            if !piece.isEmpty {
                bytes += framing == .chunked ? ResponseEncoder.chunk(piece) : piece
            }
            if !bytes.isEmpty { try await stream.write(bytes, timeout: timeout) }
        }
        do {
            try await produce(writer)
            try await writer.begin()
        } catch let instead as HTTPInstead where unsent.withLock({ !$0.isEmpty }) {
            return .instead(instead.response)
        } catch {
            server.report(.bodyFailed(remote: stream.remoteAddress, message: "\(error)"))
            return .cut
        }
        if framing == .untilClose { return .whole }
        return await write(ResponseEncoder.lastChunk) ? .whole : .cut
    }

    /// Answers what could not be understood and ends the connection.
    private func refuse(_ error: HTTPError) async {
        server.report(.refused(remote: stream.remoteAddress, error))
        let response = HTTPResponse(
            error.status,
            fields: [
                HTTPField("Content-Type", "application/problem+json"),
                HTTPField("Cache-Control", "no-store"),
            ], body: .bytes(Self.problem(error)))
        let date = HTTPDate.text(unixSeconds: server.clock.unixSeconds())
        guard case .bytes(let body) = response.body else { return }
        var bytes = ResponseEncoder.head(
            response, framing: .length(body.count), date: date, keepsAlive: false)
        bytes.append(contentsOf: body)
        guard await write(bytes) else { return }
        await linger()
    }

    /// The problem document (RFC 9457) of a refusal.
    private static func problem(_ error: HTTPError) -> [UInt8] {
        var json = DocumentWriter()
        json.object { json in
            json.member("type", "about:blank")
            json.member("title", error.status.reason)
            json.member("status", error.status.code)
            json.member("detail", error.message)
            json.member("code", "malformed_request")
        }
        return json.bytes
    }

    /// Reads on for a moment: closing while bytes are unread resets the connection, and the
    /// reset may overtake the answer.
    private func linger() async {
        let deadline = server.clock.uptime() + server.options.lingerTimeout
        var left = 256 * 1024
        while left > 0 {
            let time = deadline - server.clock.uptime()
            guard time > .zero, let bytes = await read(timeout: time) else { return }
            left -= bytes.count
        }
    }
}
