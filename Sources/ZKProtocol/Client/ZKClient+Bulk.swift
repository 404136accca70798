/// The whole attendance log of a device, with the proof that it is the whole.
///
/// The bytes received are as many as the device announced, they are a whole number of rows, and
/// as many rows as the device's own counter said before or after.
public struct AttendanceRead: Sendable {
    public var log: AttendanceLog
    /// The device's counters before the read.
    public var before: FreeSizes
    /// The device's counters after the read: more records where someone punched meanwhile.
    public var after: FreeSizes
    /// Whether the device counts its records; without it completeness rests on the bytes alone.
    public var isCounted: Bool { before.records != nil && after.records != nil }
}

extension ZKClient {
    /// The users in the device's memory.
    ///
    /// Where the device refuses bulk reads, the command alone is tried.
    public func users() async throws(ZKError) -> [DeviceUser] {
        var attempts = 2
        while true {
            attempts -= 1
            let before = try await freeSizes()
            if before.users == 0 { return [] }
            let blob = try await readBulk(.users)
            let after = try await freeSizes()
            let users: [DeviceUser]
            do throws(ZKError) {
                users = try await decodeUsers(blob, count: after.users)
            } catch {
                if attempts > 0 { continue }
                throw error
            }
            guard let counts = range(before.users, after.users), !counts.contains(users.count)
            else { return users }
            if attempts == 0 {
                throw mismatch("users", .readUsers, users.count, counts, blob.count)
            }
        }
    }

    /// The list, with names in the encoding that the device seems to have.
    private func decodeUsers(_ blob: [UInt8], count: Int?) async throws(ZKError) -> [DeviceUser] {
        let list = try decoding(.readUsers) { () throws(FormatError) in
            try DeviceUser.decodeList(blob, count: count, options.encoding)
        }
        learnt.userLayout = list.layout ?? learnt.userLayout
        return try await withGuessedNames(list.users)
    }

    /// The whole attendance log; see ``AttendanceRead``.
    ///
    /// It is read again once where the counts do not match; then that is an error, and no part
    /// of the log is returned. With `evenIfNone` it is asked for even if the device counts no
    /// records: some do although they have them.
    public func attendance(evenIfNone: Bool = false) async throws(ZKError) -> AttendanceRead {
        var attempts = 2
        while true {
            attempts -= 1
            let before = try await freeSizes()
            var blob: [UInt8] = [0, 0, 0, 0]
            if before.records != 0 || evenIfNone {
                let read = try await readBulk(.attendance)
                if !read.isEmpty { blob = read }
            }
            let after = try await freeSizes()
            let counts = range(before.records, after.records)
            let log: AttendanceLog
            do throws(ZKError) {
                log = try await decode(blob, counts)
            } catch {
                if error.code == .incomplete, attempts > 0 { continue }
                throw error
            }
            // Devices that count none although they have records are believed by the bytes.
            let expected = evenIfNone && counts?.upperBound == 0 ? nil : counts
            if expected?.contains(log.count) ?? true {
                return AttendanceRead(log: log, before: before, after: after)
            }
            guard attempts > 0 else {
                throw mismatch(
                    "records", .readAttendance, log.count, expected ?? 0...0, blob.count)
            }
        }
    }

    /// The log as the device sends it, without the proof that it is the whole.
    ///
    /// For a device whose counter does not fit its log. The bytes add up to what was announced;
    /// the length of a row is taken from the rows themselves, so look at them before use.
    public func unprovedAttendance() async throws(ZKError) -> AttendanceLog {
        let blob = try await readBulk(.attendance)
        return try await decode(blob.isEmpty ? [0, 0, 0, 0] : blob, nil)
    }

    /// Decodes a bulk read of rows.
    func decode(_ blob: [UInt8], _ counts: ClosedRange<Int>?) async throws(ZKError)
        -> AttendanceLog
    {
        let counts = counts?.upperBound == 0 ? nil : counts
        let log: AttendanceLog
        do throws(FormatError) {
            log = try AttendanceLog(decoding: blob, counts: counts, options.encoding)
        } catch {
            throw failure(.incomplete, .readAttendance, "\(error)")
        }
        guard log.count > 0, log.layout.stride == 8 else { return log }
        // The two 8-byte layouts are told apart by their times: none is later than tomorrow.
        let today = try await time()
        let tomorrow = LocalTime(packed: today.packed.addingReportingOverflow(86_400).partialValue)
        return try decoding(.readAttendance) { () throws(FormatError) in
            try AttendanceLog(
                decoding: blob, counts: counts, notAfter: tomorrow, options.encoding)
        }
    }

    private func range(_ before: Int?, _ after: Int?) -> ClosedRange<Int>? {
        guard let before, let after else { return nil }
        return min(before, after)...max(before, after)
    }

    func mismatch(
        _ what: String, _ command: Command, _ found: Int, _ counts: ClosedRange<Int>, _ bytes: Int
    ) -> ZKError {
        failure(
            .incomplete, command,
            "the device counts \(counts.lowerBound) to \(counts.upperBound) \(what) around the read, "
                + "but sent \(found) in \(bytes) bytes")
    }
}

// The transfer: a buffer that the device prepares, and slices of it.
extension ZKClient {
    private enum BulkAnswer {
        /// The bytes came at once.
        case done
        /// The device keeps this many bytes ready.
        case prepared(Int)
    }

    /// Reads what `selector` names: every byte that the device announced, or an error.
    func readBulk(_ selector: BulkSelector) async throws(ZKError) -> [UInt8] {
        let deadline = options.now() + options.bulkTimeout
        var blob: [UInt8] = []
        let count: Int
        do throws(ZKError) {
            let reply = try await send(.prepareBuffer, selector.encoded())
            switch try await gather(reply, .prepareBuffer, into: &blob, until: deadline) {
            case .done: return blob
            case .prepared(let prepared): count = prepared
            }
        } catch {
            guard error.code == .refused else { throw error }
            return try await readDirectly(selector, instead: error, until: deadline)
        }
        do throws(ZKError) {
            try await readSlices(of: count, selector.command, into: &blob, until: deadline)
        } catch {
            // Where the connection has failed, the device frees it with the session.
            if error.code == .refused || error.code == .incomplete { try await freeBuffer() }
            throw error
        }
        try await freeBuffer()
        return blob
    }

    /// For firmware that has no buffers: the command itself, answered with all of the data.
    private func readDirectly(
        _ selector: BulkSelector, instead first: ZKError, until deadline: ContinuousClock.Instant
    ) async throws(ZKError) -> [UInt8] {
        let argument: [UInt8]
        switch selector.command {
        case .readUsers: argument = [5]
        case .readTable: argument = [UInt8(truncatingIfNeeded: selector.function)]
        // Without a buffer there is no place for the two times.
        case .readAttendanceRange: throw first
        default: argument = []
        }
        do throws(ZKError) {
            return try await readData(selector.command, argument, until: deadline)
        } catch {
            // The first refusal says why: device type, or no such data.
            throw error.code == .refused ? first : error
        }
    }

    /// What a command itself is answered with, in one packet or many.
    func readData(
        _ command: Command, _ argument: [UInt8], until deadline: ContinuousClock.Instant? = nil
    ) async throws(ZKError) -> [UInt8] {
        let deadline = deadline ?? options.now() + options.bulkTimeout
        var blob: [UInt8] = []
        let reply = try await send(command, argument)
        guard case .done = try await gather(reply, command, into: &blob, until: deadline) else {
            throw failure(.refused, command, "the device has no data for it")
        }
        return blob
    }

    private func readSlices(
        of total: Int, _ what: Command, into blob: inout [UInt8],
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
        var sliceBytes = max(1, options.sliceBytes)
        var attempts = 0
        while blob.count < total {
            let slice = BufferSlice(start: blob.count, count: min(sliceBytes, total - blob.count))
            do throws(ZKError) {
                try await readSlice(slice, into: &blob, until: deadline)
                attempts = 0
            } catch {
                blob.removeSubrange(slice.start...)
                attempts += 1
                switch error.code {
                case .refused, .timedOut, .incomplete:
                    guard attempts < options.sliceAttempts else { throw error }
                    // Some firmware fails at long answers.
                    sliceBytes = max(min(sliceBytes, 4096), sliceBytes / 4)
                default: throw error
                }
            }
        }
    }

    private func readSlice(
        _ slice: BufferSlice, into blob: inout [UInt8], until deadline: ContinuousClock.Instant
    ) async throws(ZKError) {
        let reply = try await send(.readBuffer, slice.encoded())
        let answer = try await gather(
            reply, .readBuffer, into: &blob, until: deadline, bytesMax: slice.count)
        let received = blob.count - slice.start
        guard case .done = answer, received == slice.count else {
            throw failure(
                .incomplete, .readBuffer,
                "\(received) bytes came of the \(slice.count) asked for at \(slice.start)")
        }
    }

    /// Appends the data of an answer that may have many packets.
    private func gather(
        _ reply: UInt16, _ command: Command, into blob: inout [UInt8],
        until deadline: ContinuousClock.Instant, bytesMax: Int? = nil
    ) async throws(ZKError) -> BulkAnswer {
        let start = blob.count
        let bytesMax = bytesMax ?? options.bulkBytesMax
        var announced: Int?
        while true {
            guard options.now() < deadline else {
                throw failure(
                    .timedOut, command, "the read took longer than \(options.bulkTimeout)")
            }
            let packet = try await answer(to: reply, command)
            let received = blob.count - start
            switch packet.command {
            case .prepareData:
                let count = try decoding(command) { () throws(FormatError) in
                    try PreparedData(decoding: packet.data).bytes
                }
                guard count <= bytesMax else {
                    throw failure(
                        .tooLarge, command,
                        "the device announces \(count) bytes; at most \(bytesMax) were asked for")
                }
                announced = count
            case .data:
                guard packet.data.count <= (announced ?? bytesMax) - received else {
                    throw failure(
                        .malformed, command,
                        "\(received + packet.data.count) bytes came, more than the "
                            + "\(announced ?? bytesMax) announced")
                }
                blob.append(contentsOf: packet.data)
                if announced == nil { return .done }
            case .ok:
                guard let announced else {
                    return .prepared(
                        try decoding(command) { () throws(FormatError) in
                            try PreparedBuffer(decoding: packet.data).bytes
                        })
                }
                guard received == announced else {
                    throw failure(
                        .incomplete, command,
                        "\(received) bytes came of the \(announced) announced")
                }
                return .done
            default: throw refusal(packet, of: command)
            }
        }
    }

    /// Lets the device forget its buffer; one that does not know the command has none.
    private func freeBuffer() async throws(ZKError) {
        _ = try await request(.freeData)
    }
}
