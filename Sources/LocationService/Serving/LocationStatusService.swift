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
            version: Terminal.version, devices: Array(board.statuses.prefix(1000)),
            alarms: store.alarm.sentences)
    }

    func listPunches(
        _ request: ListLocationPunches, _ call: ServerCall
    ) async throws(RPCError) -> LocationPunchPage {
        let limit = try limit(request.limit)
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

    func listClock(_ request: ListClock, _ call: ServerCall) async throws(RPCError) -> ClockPage {
        let limit = try limit(request.limit)
        do throws(StoreError) {
            let looks = try await store.clockHistory(
                of: request.device.isEmpty ? nil : request.device, before: request.before,
                limit: limit)
            return ClockPage(data: looks, next: looks.last?.number ?? request.before)
        } catch {
            throw RPCError(error)
        }
    }

    func listExceptions(
        _ request: ListExceptions, _ call: ServerCall
    ) async throws(RPCError) -> ExceptionPage {
        let limit = try limit(request.limit)
        do throws(StoreError) {
            let exceptions = try await store.exceptions(
                of: request.device.isEmpty ? nil : request.device, before: request.before,
                limit: limit)
            return ExceptionPage(data: exceptions, next: exceptions.last?.number ?? request.before)
        } catch {
            throw RPCError(error)
        }
    }

    private func limit(_ asked: UInt32) throws(RPCError) -> Int {
        guard asked <= 1000 else {
            throw RPCError(.invalidArgument, "limit is \(asked); allowed are 1 to 1000")
        }
        return asked == 0 ? 100 : Int(asked)
    }
}
