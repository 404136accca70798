/// A way of reading what is too long for one packet.
public enum ReadWay: String, Sendable, CaseIterable {
    /// The device prepares a buffer, and slices of it are asked for, several at a time.
    case buffered
    /// The same with short slices, one at a time: some firmware fails at long answers.
    case slowly
    /// The command itself, answered with all of the data; firmware without buffers.
    case directly
}

extension ZKClient {
    private enum BulkAnswer {
        /// The bytes came at once.
        case done
        /// The device keeps this many bytes ready.
        case prepared(Int)
    }

    /// Reads what `selector` names: every byte that the device announced, or an error.
    ///
    /// Where the device refuses to prepare a buffer it is read directly.
    func readBulk(
        _ selector: BulkSelector, by way: ReadWay = .buffered
    ) async throws(ZKError) -> [UInt8] {
        let deadline = options.now() + options.bulkTimeout
        if way == .directly { return try await readDirectly(selector, until: deadline) }
        var blob: [UInt8] = []
        let count: Int
        do throws(ZKError) {
            switch try await prepare(selector, into: &blob, until: deadline) {
            case .done: return blob
            case .prepared(let prepared): count = prepared
            }
        } catch {
            guard error.code == .refused else { throw error }
            do throws(ZKError) {
                return try await readDirectly(selector, until: deadline)
            } catch let second {
                // What the buffer was refused with says more.
                throw second.code == .refused ? error : second
            }
        }
        do throws(ZKError) {
            try await readSlices(of: count, selector.command, way, into: &blob, until: deadline)
        } catch {
            // Where the connection has failed, the device frees it with the session.
            if error.code == .refused || error.code == .incomplete { try await freeBuffer() }
            throw error
        }
        try await freeBuffer()
        return blob
    }

    private func prepare(
        _ selector: BulkSelector, into blob: inout [UInt8], until deadline: ContinuousClock.Instant
    ) async throws(ZKError) -> BulkAnswer {
        let packet = try await request(.prepareBuffer, selector.encoded())
        switch packet.command {
        case .data:
            blob = packet.data
            return .done
        case .ok:
            return .prepared(
                try decoding(.prepareBuffer) { () throws(FormatError) in
                    try PreparedBuffer(decoding: packet.data).bytes
                })
        case .prepareData:
            // Some devices send it all without waiting for slices.
            try await gather(packet, .prepareBuffer, into: &blob, until: deadline)
            return .done
        default: throw refusal(packet, of: .prepareBuffer)
        }
    }

    /// Lets the device forget its buffer; one that does not know the command has none.
    private func freeBuffer() async throws(ZKError) {
        _ = try await request(.freeData)
    }

    // MARK: - Slices

    private func readSlices(
        of total: Int, _ what: Command, _ way: ReadWay, into blob: inout [UInt8],
        until deadline: ContinuousClock.Instant
    ) async throws(ZKError) {
        guard total <= options.bulkBytesMax else {
            throw failure(
                .tooLarge, what,
                "the device announces \(total) bytes, more than bulkBytesMax = "
                    + "\(options.bulkBytesMax)")
        }
        // Memory grows with what arrives, not with what is announced.
        blob.reserveCapacity(min(total, 8 << 20))
        var reading = SliceReading(total: total, options, way, transport)
        while blob.count < total {
            while let slice = reading.next() { try await ask(for: slice, &reading) }
            guard options.now() < deadline else {
                throw failure(
                    .timedOut, what, "the read took longer than \(options.bulkTimeout)")
            }
            let patience = min(deadline, options.now() + reading.patience)
            guard let packet = try await nextAnswer(until: patience, .readBuffer) else {
                let late = failure(
                    .timedOut, .readBuffer, "no slice came within \(options.requestTimeout)")
                try await retry(nil, &reading, blob.count, late)
                continue
            }
            guard let place = reading.inFlight.firstIndex(where: { $0.reply == packet.reply })
            else {
                noteStray()
                continue
            }
            switch reading.inFlight[place].take(packet) {
            case .more: break
            case .done:
                reading.succeeded()
                reading.drain(into: &blob)
                progress?(blob.count, total)
            case .tooLong(let bytes): reading.shorten(to: bytes, from: blob.count)
            case .short(let why):
                let short = failure(.incomplete, .readBuffer, why)
                try await retry(place, &reading, blob.count, short)
            case .wrong(let why): throw failure(.malformed, .readBuffer, why)
            case .tooMuch(let bytes):
                throw failure(
                    .tooLarge, .readBuffer,
                    "the device announces \(bytes) bytes; at most "
                        + "\(reading.inFlight[place].slice.count) were asked for")
            case .refused:
                let refused = refusal(packet, of: .readBuffer)
                guard refused.code == .refused else { throw refused }
                try await retry(place, &reading, blob.count, refused)
            }
        }
    }

    private func ask(for slice: BufferSlice, _ reading: inout SliceReading) async throws(ZKError) {
        let reply = try await send(.readBuffer, slice.encoded())
        reading.inFlight.append(SliceRequest(slice, transport, reply: reply))
    }

    /// Asks again: over UDP for the slice at `place`, or for all that are due; over TCP for
    /// everything that has not come, one shorter slice at a time.
    private func retry(
        _ place: Int?, _ reading: inout SliceReading, _ received: Int, _ error: ZKError
    ) async throws(ZKError) {
        guard reading.mayRetry() else { throw error }
        guard transport == .udp else {
            reading.startOver(from: received)
            return
        }
        for index in reading.inFlight.indices where place == nil || place == index {
            guard !reading.inFlight[index].isDone else { continue }
            let reply = try await send(.readBuffer, reading.inFlight[index].slice.encoded())
            reading.inFlight[index].repeated(as: reply)
        }
    }

    // MARK: - All at once

    /// For firmware that has no buffers: the command itself, answered with all of the data.
    private func readDirectly(
        _ selector: BulkSelector, until deadline: ContinuousClock.Instant
    ) async throws(ZKError) -> [UInt8] {
        let argument: [UInt8]
        switch selector.command {
        case .readUsers: argument = [5]
        case .readTable: argument = [UInt8(truncatingIfNeeded: selector.function)]
        case .readAttendanceRange:
            throw failure(
                .refused, selector.command, "without a buffer there is no place for the two times")
        default: argument = []
        }
        return try await readData(selector.command, argument, until: deadline)
    }

    /// What a command itself is answered with, in one packet or many.
    func readData(
        _ command: Command, _ argument: [UInt8], until deadline: ContinuousClock.Instant? = nil
    ) async throws(ZKError) -> [UInt8] {
        let deadline = deadline ?? options.now() + options.bulkTimeout
        guard transport == .udp else {
            return try await readOnce(command, argument, until: deadline)
        }
        // Nothing tells one datagram of such an answer from another: one that was lost while
        // another came twice leaves the length as it was. What two reads agree on is believed.
        var last: [UInt8]?
        var error: ZKError?
        for _ in 0..<options.sliceAttempts * 3 {
            do throws(ZKError) {
                let blob = try await readOnce(command, argument, until: deadline)
                if let last, ZKClient.agree(last, blob) { return blob }
                last = blob
            } catch let failed {
                guard [.timedOut, .incomplete, .malformed].contains(failed.code) else {
                    throw failed
                }
                error = failed
            }
        }
        throw error
            ?? failure(.incomplete, command, "no two reads over UDP had the same bytes")
    }

    /// Whether two reads of a log show the same rows, but for some that came between them.
    private static func agree(_ first: [UInt8], _ second: [UInt8]) -> Bool {
        first.count <= second.count
            && first.dropFirst(4).elementsEqual(second.dropFirst(4).prefix(max(0, first.count - 4)))
    }

    private func readOnce(
        _ command: Command, _ argument: [UInt8], until deadline: ContinuousClock.Instant
    ) async throws(ZKError) -> [UInt8] {
        var blob: [UInt8] = []
        let packet = try await request(command, argument)
        try await gather(packet, command, into: &blob, until: deadline)
        return blob
    }

    /// Appends the data of an answer that may have many packets, of which `first` is the first.
    private func gather(
        _ first: Packet, _ command: Command, into blob: inout [UInt8],
        until deadline: ContinuousClock.Instant
    ) async throws(ZKError) {
        var announced: Int?
        var packet = first
        while true {
            switch packet.command {
            case .prepareData:
                let count = try decoding(command) { () throws(FormatError) in
                    try PreparedData(decoding: packet.data).bytes
                }
                guard count <= options.bulkBytesMax else {
                    throw failure(
                        .tooLarge, command,
                        "the device announces \(count) bytes, more than bulkBytesMax = "
                            + "\(options.bulkBytesMax)")
                }
                announced = count
            case .data:
                let room = (announced ?? options.bulkBytesMax) - blob.count
                guard packet.data.count <= room else {
                    throw failure(
                        .malformed, command,
                        "\(blob.count + packet.data.count) bytes came, more than the "
                            + "\(blob.count + room) announced")
                }
                blob.append(contentsOf: packet.data)
                guard let announced else { return }
                progress?(blob.count, announced)
            case .ok:
                guard let announced, blob.count == announced else {
                    throw failure(
                        .incomplete, command,
                        "\(blob.count) bytes came of the \(announced ?? 0) announced")
                }
                return
            default: throw refusal(packet, of: command)
            }
            guard options.now() < deadline else {
                throw failure(
                    .timedOut, command, "the read took longer than \(options.bulkTimeout)")
            }
            packet = try await answer(to: first.reply, command)
        }
    }
}

/// What has been asked for of a prepared buffer.
private struct SliceReading {
    var inFlight: [SliceRequest] = []
    /// How long to wait for the next packet before asking again.
    private(set) var patience: Duration
    private let total: Int
    private let attemptsMax: Int
    private let firstPatience: Duration
    private let requestTimeout: Duration
    private let transport: ZKTransport
    private var sliceBytes: Int
    private var window: Int
    /// The first byte that was not asked for.
    private var nextStart = 0
    private var failures = 0

    /// What fits a datagram of the oldest terminals.
    private static let datagramBytes = 1024

    init(total: Int, _ options: ZKClient.Options, _ way: ReadWay, _ transport: ZKTransport) {
        self.total = total
        self.transport = transport
        requestTimeout = options.requestTimeout
        let isUDP = transport == .udp
        let longest = way == .slowly ? min(4096, options.sliceBytes) : options.sliceBytes
        sliceBytes = max(1, isUDP ? min(Self.datagramBytes, longest) : longest)
        window =
            way == .slowly
            ? 1
            : max(
                1,
                isUDP
                    ? min(2, options.slicesInFlight)
                    : options.slicesInFlight)
        attemptsMax = max(1, options.sliceAttempts) * (isUDP ? 3 : 1)
        firstPatience = isUDP ? options.retryInterval : options.requestTimeout
        patience = firstPatience
    }

    /// The slice to ask for next; nil while enough are on their way.
    mutating func next() -> BufferSlice? {
        guard inFlight.count < window, nextStart < total else { return nil }
        let slice = BufferSlice(start: nextStart, count: min(sliceBytes, total - nextStart))
        nextStart += slice.count
        return slice
    }

    mutating func succeeded() {
        failures = 0
        patience = firstPatience
    }

    /// Moves what is whole, in order, to the blob.
    mutating func drain(into blob: inout [UInt8]) {
        while let first = inFlight.first, first.isDone {
            blob.append(contentsOf: first.data)
            inFlight.removeFirst()
        }
    }

    /// Counts a failure; false when there were too many since the last success.
    mutating func mayRetry() -> Bool {
        failures += 1
        patience = min(patience * 2, requestTimeout)
        return failures < attemptsMax
    }

    /// Forgets what is on its way; some firmware fails at long answers and at several requests.
    mutating func startOver(from start: Int) {
        sliceBytes = max(min(sliceBytes, 4096), sliceBytes / 4)
        window = 1
        inFlight = []
        nextStart = start
    }

    /// Asks for slices of `bytes` from now on, from `start` anew.
    mutating func shorten(to bytes: Int, from start: Int) {
        guard bytes < sliceBytes else { return }
        sliceBytes = bytes
        inFlight = []
        nextStart = start
    }
}
