import Transport

/// Why no packet came.
enum WireError: Error {
    case transport(TransportError)
    case format(FormatError)
    /// The device closed the connection.
    case closed
}

/// What is needed to speak: the link, what has arrived of the next packet, and two numbers.
struct Wire: Sendable {
    private enum Link: Sendable {
        case stream(ByteStream)
        case datagrams(DatagramSocket)
    }

    private let link: Link
    private var reader = FrameReader()
    /// What is set once the device has given it.
    var session: UInt16 = 0
    private var reply: UInt16 = 0

    private let now: @Sendable () -> ContinuousClock.Instant

    init(_ stream: ByteStream, now: @escaping @Sendable () -> ContinuousClock.Instant) {
        link = .stream(stream)
        self.now = now
    }

    init(_ socket: DatagramSocket, now: @escaping @Sendable () -> ContinuousClock.Instant) {
        link = .datagrams(socket)
        self.now = now
    }

    var transport: ZKTransport {
        switch link {
        case .stream: .tcp
        case .datagrams: .udp
        }
    }

    /// Packets may have 16 MiB from now on.
    mutating func raiseLimit() { reader.bytesMax = Frame.bytesMax }

    /// The first request has number 0, which events also have; it never comes again.
    mutating func nextRequest(_ command: Command, _ data: [UInt8] = []) -> Packet {
        defer { reply = reply == 65_534 ? 1 : reply + 1 }
        return Packet(command, session: session, reply: reply, data: data)
    }

    func send(_ packet: Packet, timeout: Duration) async throws(TransportError) {
        switch link {
        case .stream(let stream): try await stream.write(packet.frame(), timeout: timeout)
        case .datagrams(let socket): try await socket.send(packet.encoded())
        }
    }

    /// The next packet, whosever answer it is; `.timedOut` at the deadline, however slowly bytes
    /// drip until then.
    mutating func receive(
        until deadline: ContinuousClock.Instant, waker: Waker? = nil
    ) async throws(WireError) -> Packet {
        switch link {
        case .stream(let stream): try await receive(stream, deadline, waker)
        case .datagrams(let socket): try await receive(socket, deadline, waker)
        }
    }

    private func rest(until deadline: ContinuousClock.Instant) -> Duration {
        max(.zero, now().duration(to: deadline))
    }

    private mutating func receive(
        _ stream: ByteStream, _ deadline: ContinuousClock.Instant, _ waker: Waker?
    ) async throws(WireError) -> Packet {
        while true {
            do throws(FormatError) {
                if let packet = try reader.next() { return packet }
            } catch {
                throw .format(error)
            }
            let bytes: [UInt8]
            do throws(TransportError) {
                bytes = try await stream.read(
                    atMost: 1 << 20, timeout: rest(until: deadline), waker: waker)
            } catch {
                throw .transport(error)
            }
            guard !bytes.isEmpty else { throw .closed }
            reader.append(bytes)
        }
    }

    private mutating func receive(
        _ socket: DatagramSocket, _ deadline: ContinuousClock.Instant, _ waker: Waker?
    ) async throws(WireError) -> Packet {
        while true {
            do throws(TransportError) {
                let datagram = try await socket.receive(
                    timeout: rest(until: deadline), waker: waker)
                // One that is no packet was damaged on its way.
                if let packet = try? Packet(decoding: datagram.bytes) { return packet }
            } catch {
                throw .transport(error)
            }
        }
    }

    func close() {
        switch link {
        case .stream(let stream): stream.close()
        case .datagrams(let socket): socket.close()
        }
    }
}

extension Command {
    /// Whether a request can be sent again when its answer was lost: the second time changes
    /// nothing that the first did not.
    var isRepeatable: Bool {
        switch self {
        case .writeUser, .readUsers, .readOption, .writeOption, .readAttendance, .freeSizes,
            .enableClock, .cancelCapture, .state, .pinWidth, .doorState, .readTemplate, .getTime,
            .event, .exit, .enable, .disable, .refreshData, .refreshOption, .version,
            .authenticate, .freeData, .prepareBuffer, .readBuffer:
            true
        default: false
        }
    }

    /// Whether a device may send it in answer to a request.
    var isAnswer: Bool {
        self == .prepareData || self == .data || rawValue >= Command.ok.rawValue
    }
}
