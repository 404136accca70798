/// One slice of a prepared buffer that was asked for, and what has come of it.
struct SliceRequest {
    /// What a packet means for the slice.
    enum Progress: Equatable {
        case more
        case done
        /// The device sends at most this many bytes in a datagram.
        case tooLong(Int)
        /// The answer is not whole: why.
        case short(String)
        /// The answer cannot be: why.
        case wrong(String)
        /// More was announced than was asked for: how much.
        case tooMuch(Int)
        case refused
    }

    let slice: BufferSlice
    let transport: ZKTransport
    /// The request's number; another one when it is sent again.
    private(set) var reply: UInt16
    private(set) var data: [UInt8] = []
    private(set) var isDone = false
    private var announced: Int?

    /// Shorter slices are not asked for, so that a fragment is not taken for a device's datagram.
    static let fragmentMin = 256

    init(_ slice: BufferSlice, _ transport: ZKTransport, reply: UInt16) {
        self.slice = slice
        self.transport = transport
        self.reply = reply
    }

    /// Begins anew under another number: what still comes of the old one is a stray.
    mutating func repeated(as reply: UInt16) {
        self.reply = reply
        data = []
        announced = nil
    }

    mutating func take(_ packet: Packet) -> Progress {
        if isDone { return .done }
        switch packet.command {
        case .prepareData: return announce(packet)
        case .data: return transport == .udp ? takeDatagram(packet) : takeFrame(packet)
        case .ok:
            guard data.count == slice.count else { return .short(shortfall) }
            isDone = true
            return .done
        default: return .refused
        }
    }

    private mutating func announce(_ packet: Packet) -> Progress {
        guard let prepared = try? PreparedData(decoding: packet.data) else {
            return .wrong("an announcement of data has \(packet.data.count) bytes, not 8")
        }
        guard prepared.bytes <= slice.count else {
            return .tooMuch(prepared.bytes)
        }
        announced = prepared.bytes
        let most = prepared.packetBytesMax
        if transport == .udp, most >= Self.fragmentMin, most < slice.count { return .tooLong(most) }
        return .more
    }

    private mutating func takeFrame(_ packet: Packet) -> Progress {
        guard packet.data.count <= (announced ?? slice.count) - data.count else {
            return .wrong(
                "\(data.count + packet.data.count) bytes came, more than the "
                    + "\(announced ?? slice.count) announced")
        }
        if data.isEmpty { data = packet.data } else { data.append(contentsOf: packet.data) }
        // Without an announcement the packet is the whole answer.
        guard announced == nil else { return .more }
        guard data.count == slice.count else { return .short(shortfall) }
        isDone = true
        return .done
    }

    /// A slice is asked for that fits one datagram: which one of several was lost, came twice or
    /// overtook another could not be seen.
    private mutating func takeDatagram(_ packet: Packet) -> Progress {
        if packet.data.count == slice.count {
            data = packet.data
            isDone = true
            return .done
        }
        guard packet.data.count < slice.count else {
            return .wrong("\(packet.data.count) bytes came; \(slice.count) were asked for")
        }
        return packet.data.count >= Self.fragmentMin ? .tooLong(packet.data.count) : .more
    }

    private var shortfall: String {
        "\(data.count) bytes came of the \(slice.count) asked for at \(slice.start)"
    }
}
