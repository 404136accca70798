import MeshAPI
import RPCRuntime
import Transport

/// Gives the location's log to whoever follows it.
struct LogService: Log.Service {
    /// Entries in a message.
    static let batchCount = 500

    let store: LocationStore
    let board: DeviceBoard

    func follow(
        _ request: FollowLog, to responses: MessageWriter<LogBatch>, _ call: ServerCall
    ) async throws(RPCError) {
        guard request.logID.isEmpty || request.logID.count == 16 else {
            throw RPCError(
                .invalidArgument, "a log id has 16 bytes, not \(request.logID.count)")
        }
        var follower = Follower(logID: request.logID, after: request.after)
        // Before the first look, so that nothing falls between the two.
        var wakeUps = store.wakeUps.stream().makeAsyncIterator()
        while true {
            guard !call.isDraining else {
                throw RPCError(.unavailable, "the location is draining: follow on the new link")
            }
            // The devices first: what they say is in the log, was in it before it was read.
            let (statuses, version) = board.snapshot
            let slice = try await read(follower, of: call.peer.description)
            follower.take(slice)
            let isAtEnd = follower.after == slice.lastSequence
            let isNews = isAtEnd && version != follower.version
            if !slice.entries.isEmpty || isNews {
                var batch = LogBatch(
                    logID: slice.logID, entries: slice.entries, lastSequence: slice.lastSequence)
                if isNews {
                    batch.devices = Array(statuses.prefix(1000))
                    batch.alarms = store.alarm.sentences
                    follower.version = version
                }
                try await responses.write(batch)
            }
            guard isAtEnd else { continue }
            if await wakeUps.next() == nil {
                throw RPCError(.cancelled, "the call was cancelled")
            }
        }
    }

    private func read(
        _ follower: Follower, of peer: String
    ) async throws(RPCError) -> LogSlice {
        do throws(StoreError) {
            return try await store.follow(
                peer, logID: follower.logID, after: follower.after, limit: Self.batchCount)
        } catch {
            throw RPCError(error)
        }
    }

    /// Where a follower stands.
    private struct Follower {
        var logID: [UInt8]
        var after: UInt64
        /// The statuses that it was told; nil before the first time.
        var version: UInt64?

        mutating func take(_ slice: LogSlice) {
            // The store began at the first entry when it is another log.
            if slice.logID != logID { after = 0 }
            logID = slice.logID
            if let last = slice.entries.last { after = last.sequence }
        }
    }
}
