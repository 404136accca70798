/// The attendance log of a device as one read yielded it, and whether that is known to be all.
public struct AttendanceRead: Sendable {
    public var log: AttendanceLog
    /// The device's counters before the read.
    public var before: FreeSizes
    /// The device's counters after the read: more records where someone punched meanwhile.
    public var after: FreeSizes
    /// The bytes that the device announced and sent, the four of their length among them.
    public var bytes: Int
    public var way: ReadWay

    /// Proved where the rows are at least as many as were counted before the read and at most as
    /// many as after it: the bytes are 4 and a whole number of rows already.
    public var completeness: Completeness {
        guard let before = before.records, let after = after.records else { return .uncounted }
        // Some firmware counts none whatever it has.
        if after == 0, !log.isEmpty { return .uncounted }
        return before <= log.count && log.count <= after ? .proved : .short
    }

    /// Whether a read is known to be the whole log.
    public enum Completeness: Sendable {
        case proved
        /// The device does not count its records; nothing but the bytes tells.
        case uncounted
        /// The device's counters say something else.
        case short
    }

    /// The numbers that prove it or not.
    public var account: String {
        func told(_ count: Int?) -> String { count.map { "\($0)" } ?? "no" }
        return """
            the device counted \(told(before.records)) records before the read and \
            \(told(after.records)) after it, and sent \(log.count) in \(bytes) bytes
            """
    }
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

    /// The whole attendance log, proved by the device's counters where it has some.
    ///
    /// Each ``ReadWay`` is tried until one is proved; then that is an error with the numbers, and no
    /// part of the log is returned. With `evenIfNone` it is asked for even if the device counts no
    /// records: some do although they have them.
    public func attendance(evenIfNone: Bool = false) async throws(ZKError) -> AttendanceRead {
        var last: ZKError?
        for way in ReadWay.allCases {
            do throws(ZKError) {
                let read = try await readAttendance(by: way, evenIfNone: evenIfNone)
                if read.completeness != .short { return read }
                last = failure(.incomplete, .readAttendance, read.account)
            } catch {
                guard error.code == .refused || error.code == .incomplete else { throw error }
                // Numbers say more than that another way is not known to the device.
                if last == nil || error.code == .incomplete { last = error }
                if error.code == .refused { break }
            }
        }
        throw last ?? failure(.incomplete, .readAttendance, "the log cannot be read")
    }

    /// The attendance log as one way of reading yields it; see ``AttendanceRead/completeness``.
    ///
    /// Rows of a log that its device's counters contradict were cut by their own looks: see that
    /// they make sense before they are used.
    public func readAttendance(
        by way: ReadWay, evenIfNone: Bool = false
    ) async throws(ZKError) -> AttendanceRead {
        let before = try await freeSizes()
        var blob: [UInt8] = [0, 0, 0, 0]
        if before.records != 0 || evenIfNone {
            let read = try await readBulk(.attendance, by: way)
            if !read.isEmpty { blob = read }
        }
        let after = try await freeSizes()
        let log = try await decode(blob, before: before, after: after)
        return AttendanceRead(
            log: log, before: before, after: after, bytes: blob.count, way: way)
    }

    private func decode(
        _ blob: [UInt8], before: FreeSizes, after: FreeSizes
    ) async throws(ZKError) -> AttendanceLog {
        guard let counts = range(before.records, after.records), counts.upperBound > 0 else {
            return try await decode(blob, nil)
        }
        do throws(ZKError) {
            return try await decode(blob, counts)
        } catch {
            guard error.code == .incomplete else { throw error }
            // The counters say one thing and the bytes another: the rows are cut by their looks.
            return try await decode(blob, nil)
        }
    }

    /// Decodes a bulk read of rows, of which the device counts so many; nil for unknown.
    func decode(
        _ blob: [UInt8], _ counts: ClosedRange<Int>?
    ) async throws(ZKError) -> AttendanceLog {
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

    /// What a read may have; nil where the device does not count.
    func range(_ before: Int?, _ after: Int?) -> ClosedRange<Int>? {
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
