extension ZKClient {
    /// The operation log: who did what at the device.
    public func operations() async throws(ZKError) -> [OperationRecord] {
        let blob = try await readBulk(.operations)
        if blob.isEmpty { return [] }
        return try decoding(.readOperations) { () throws(FormatError) in
            try OperationRecord.decodeAll(blob)
        }
    }

    /// The rows of a span of the device's time, both ends included.
    ///
    /// Nothing proves that they are all: the device counts only its whole log. Refused by
    /// firmware that does not know the command.
    public func attendance(from: LocalTime, to: LocalTime) async throws(ZKError) -> AttendanceLog {
        let blob = try await readBulk(.attendance(from: from, to: to))
        return try await decode(blob.isEmpty ? [0, 0, 0, 0] : blob, nil)
    }

    /// Clears the attendance log, and looks whether it is cleared.
    ///
    /// Some firmware says yes and does nothing. Returns the device's counters afterwards.
    ///
    /// - Important: Nothing brings the log back. Read it completely, and store it, before.
    @discardableResult
    public func clearAttendance() async throws(ZKError) -> FreeSizes {
        let before = try await freeSizes()
        try await perform(.clearAttendance)
        try await refreshData()
        let after = try await freeSizes()
        // People may have punched again since.
        if let left = after.records, let had = before.records, left > 0, left >= had {
            throw failure(
                .incomplete, .clearAttendance,
                "the device said that it cleared its log, but counts \(left) records after "
                    + "\(had) before")
        }
        return after
    }

    /// Clears the operation log.
    public func clearOperations() async throws(ZKError) { try await perform(.clearOperations) }
}
