import MeshAPI
import RPCRuntime
import ServiceKit
import Transport

/// What operators ask of the gateway; the same queries as the edge's.
struct FleetService: Fleet.Service {
    let query: FleetQuery
    let checks: GatewayCheck
    let log: Logger

    /// A tail without news says so this often.
    private static let heartbeat = Duration.seconds(2)

    func listLocations(_ request: ListLocations, _ call: ServerCall) async throws(RPCError)
        -> LocationList
    {
        do throws(QueryError) { return try await query.locations() } catch { throw failed(error) }
    }

    func listDevices(_ request: ListDevices, _ call: ServerCall) async throws(RPCError)
        -> DeviceList
    {
        do throws(QueryError) { return try await query.devices(of: request.location) } catch {
            throw failed(error)
        }
    }

    func listPunches(_ request: PunchQuery, _ call: ServerCall) async throws(RPCError)
        -> PunchPage
    {
        do throws(QueryError) { return try await query.punches(request) } catch {
            throw failed(error)
        }
    }

    /// Sends a page whenever there are new punches, and an empty one every two seconds besides,
    /// so that the caller sees that it is complete or not.
    func tailPunches(
        _ request: PunchQuery, to responses: MessageWriter<PunchPage>, _ call: ServerCall
    ) async throws(RPCError) {
        do throws(QueryError) {
            let filter = try FleetQuery.filter(request)
            let limit = try FleetQuery.limit(request)
            var position =
                request.cursor.isEmpty
                ? query.store.commits.latest : try query.start(of: request, filter)
            while true {
                let (page, end) = try await query.page(filter, after: position, limit: limit)
                do throws(RPCError) { try await responses.write(page) } catch {
                    throw QueryError(.callEnded, error.message)
                }
                position = end
                if call.isDraining || Task.isCancelled { break }
                if !page.hasMore { await news(after: position, on: call.connection.loop) }
            }
        } catch {
            throw error.kind == .callEnded
                ? RPCError(.cancelled, error.message) : failed(error)
        }
        throw RPCError(.unavailable, "draining: the gateway is going down; ask again")
    }

    /// Returns when there is something behind `position`, or a heartbeat is due.
    private func news(after position: Int64, on loop: EventLoop) async {
        await withTaskGroup(of: Void.self) { group in
            let commits = query.store.commits
            group.addTask { await commits.wait(after: position) }
            group.addTask { _ = try? await loop.sleep(for: Self.heartbeat) }
            await group.next()
            group.cancelAll()
        }
    }

    // MARK: API keys

    func createKey(_ request: CreateKey, _ call: ServerCall) async throws(RPCError) -> CreatedKey {
        guard !request.name.isEmpty else {
            throw RPCError(.invalidArgument, "a key needs a name that says what it is for")
        }
        do throws(StoreError) {
            let created = try await query.store.createKey(
                name: request.name, by: call.peer.description, at: query.now())
            log.info(
                "API key made",
                ["key": created.key.id, "name": request.name, "by": call.peer.description])
            return created
        } catch {
            throw failed(QueryError(error))
        }
    }

    func listKeys(_ request: ListKeys, _ call: ServerCall) async throws(RPCError) -> KeyList {
        do throws(StoreError) { return KeyList(keys: try await query.store.keys()) } catch {
            throw failed(QueryError(error))
        }
    }

    func revokeKey(_ request: RevokeKey, _ call: ServerCall) async throws(RPCError) -> KeyInfo {
        do throws(StoreError) {
            let key = try await query.store.revokeKey(request.id, at: query.now())
            log.info("API key revoked", ["key": key.id, "by": call.peer.description])
            return key
        } catch {
            throw failed(QueryError(error))
        }
    }

    func check(_ request: CheckRequest, _ call: ServerCall) async throws(RPCError) -> CheckReport {
        CheckReport(findings: await checks.run())
    }

    private func failed(_ error: QueryError) -> RPCError {
        if error.kind == .store {
            log.error("cannot answer a call", ["cause": error.message])
        }
        return RPCError(error)
    }
}
