import MeshAPI
import RPCRuntime
import ServiceKit

/// Copies the log of one location over one link into the store, until the link ends.
struct LocationFollower: Sendable {
    let link: any LocationLink
    let id: LinkTable.LinkID
    let store: GatewayStore
    let links: LinkTable
    let now: @Sendable () -> Timestamp
    let log: Logger

    /// What a heartbeat says that the store keeps.
    private struct DeviceNote: Hashable {
        var serial: String
        var name: String
        var isActive: Bool
        var completeThrough: Timestamp?

        init(_ status: DeviceStatus) {
            serial = status.device.serial
            name = status.device.name
            isActive = status.device.active
            completeThrough = status.completeThrough
        }
    }

    /// Returns when the link is of no more use; the location then dials again.
    func run() async {
        var cause: String
        do throws(RPCError) {
            try await follow()
            cause = "the location ended its log stream"
        } catch {
            cause = error.message
        }
        links.ended(id, of: link.location, cause: cause)
        await link.retire()
        log.info("stopped following", ["location": link.location, "cause": cause])
    }

    private func follow() async throws(RPCError) {
        let position: FollowLog
        do throws(StoreError) {
            position = try await store.followPosition(of: link.location)
        } catch {
            throw storeFailure(error)
        }
        let state = FollowState()
        try await link.follow(position) { (batch: LogBatch) async throws(RPCError) in
            try await receive(batch, state)
        }
    }

    /// What one run of a stream remembers; its batches come one after the other.
    private actor FollowState {
        private var noted: [DeviceNote] = []
        private var logID: [UInt8] = []
        private var isCaughtUp = false

        /// Whether a batch says anything that is not stored yet.
        func isNews(_ batch: LogBatch) -> Bool {
            !batch.entries.isEmpty || batch.logID != logID || !isCaughtUp
                || batch.devices.map(DeviceNote.init) != noted
        }

        /// Notes what a stored batch said.
        func stored(_ batch: LogBatch, upTo sequence: UInt64) {
            logID = batch.logID
            isCaughtUp = sequence >= batch.lastSequence
            guard isCaughtUp else { return }
            noted = batch.devices.map(DeviceNote.init)
        }
    }

    private func receive(_ batch: LogBatch, _ state: FollowState) async throws(RPCError) {
        switch links.receive(batch, on: id, over: link, at: now()) {
        case .followed: break
        case .tookOver:
            log.info("a newer link takes over", ["location": link.location, "from": link.address])
        case .conflict:
            log.error(
                "two machines with different logs claim one location: stop one of them",
                ["location": link.location, "from": link.address])
        case .superseded:
            throw RPCError(.aborted, "a newer link of \(link.location) is followed")
        }
        guard await state.isNews(batch) else { return }
        let ingested: Ingested
        do throws(StoreError) {
            ingested = try await store.ingest(batch, from: link.location, at: now())
        } catch {
            throw storeFailure(error)
        }
        await state.stored(batch, upTo: ingested.lastSequence)
        if ingested.restarted {
            log.warning(
                "the log is another one, or shorter: following it from its start",
                ["location": link.location])
        }
        if ingested.inserted + ingested.duplicates > 0 {
            log.debug(
                "stored punches",
                [
                    "location": link.location, "new": ingested.inserted,
                    "known": ingested.duplicates, "sequence": ingested.lastSequence,
                ])
        }
    }

    private func storeFailure(_ error: StoreError) -> RPCError {
        log.error("cannot store a log", ["location": link.location, "cause": error.message])
        return error.kind == .badBatch
            ? RPCError(.invalidArgument, error.message)
            : RPCError(.internal, "the gateway's store failed: \(error.message)")
    }
}
