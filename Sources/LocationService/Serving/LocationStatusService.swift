import MeshAPI
import RPCRuntime
import ServiceKit

/// What the location says of itself and of its store.
struct LocationStatusService: Location.Service {
    let name: String
    let zone: String
    let store: LocationStore
    let board: DeviceBoard
    let check: LocationCheck

    func status(
        _ request: StatusRequest, _ call: ServerCall
    ) async throws(RPCError) -> LocationStatus {
        let (logID, lastSequence) = await store.position
        return LocationStatus(
            location: name, logID: logID, lastSequence: lastSequence, zone: zone,
            version: Terminal.version, devices: Array(board.statuses.prefix(1000)))
    }

    func listPunches(
        _ request: ListLocationPunches, _ call: ServerCall
    ) async throws(RPCError) -> LocationPunchPage {
        guard request.limit <= 1000 else {
            throw RPCError(.invalidArgument, "limit is \(request.limit); allowed are 1 to 1000")
        }
        let limit = request.limit == 0 ? 100 : Int(request.limit)
        do throws(StoreError) {
            let punches = try await store.punches(
                ofDevice: request.device.isEmpty ? nil : request.device, after: request.after,
                limit: limit)
            return LocationPunchPage(
                punches: punches, next: punches.last?.sequence ?? request.after)
        } catch {
            throw RPCError(error)
        }
    }

    func check(_ request: CheckRequest, _ call: ServerCall) async throws(RPCError) -> CheckReport {
        CheckReport(findings: await check.findings())
    }
}
