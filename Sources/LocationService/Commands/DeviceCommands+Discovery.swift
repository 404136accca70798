import MeshAPI
import RPCRuntime
import ServiceKit
import Synchronization
import Transport
import ZKProtocol

extension DeviceCommands {
    /// Connections at a time.
    private static let searchesMax = 8
    /// The time between two connections: a /24 takes 13 s, and no switch notices.
    private static let searchPause: Duration = .milliseconds(50)

    func discover(
        _ request: DiscoverRequest, to responses: MessageWriter<Discovery>, _ call: ServerCall
    ) async throws(RPCError) {
        try check(location: request.location)
        let range = try AddressRange(request.network)
        let port = request.port == 0 ? 4370 : UInt16(clamping: request.port)
        var key: UInt32?
        if !request.commKey.isEmpty {
            guard let number = UInt32(request.commKey) else {
                throw RPCError(
                    .invalidArgument, "the comm key is no number from 0 to 4294967295",
                    command: .notSent)
            }
            key = number
        }
        let search = Search(
            commKey: key, loop: loop, steady: surroundings.steady,
            known: board.statuses.map(\.device),
            inSession: await addressesInSession())
        let news = ProgressLine<Discovery>(limit: range.count + 1)
        log.info(
            "search for terminals",
            ["network": request.network, "port": port, "by": Requester(call).principal])
        try await news.relay(to: responses) { () async throws(RPCError) in
            await Self.search(range, port, search, news, pause: Self.searchPause)
        }
    }

    /// `host:port`, in numbers, of the terminals whose session is open or opening.
    private func addressesInSession() async -> [String: String] {
        var found: [String: String] = [:]
        for status in board.statuses where status.state == .online || status.state == .connecting {
            let text = status.device.address
            found[text] = status.device.name
            guard let (host, port) = try? SocketAddress.split(text) else { continue }
            let numeric = try? await SocketAddress.resolve(
                host, port: port, on: loop, timeout: .seconds(5))
            for address in numeric ?? [] { found["\(address)"] = status.device.name }
        }
        return found
    }

    private static func search(
        _ range: AddressRange, _ port: UInt16, _ search: Search,
        _ news: ProgressLine<Discovery>, pause: Duration
    ) async {
        let total = UInt32(clamping: range.count)
        await withTaskGroup(of: FoundDevice?.self) { group in
            var probed: UInt32 = 0
            func take(_ found: FoundDevice?) {
                probed += 1
                // Most addresses have nobody; each hundredth says how far it is.
                if found != nil || probed % 100 == 0 || probed == total {
                    news.tell(Discovery(probed: probed, total: total, found: found))
                }
            }
            for index in 0..<range.count {
                if Task.isCancelled { break }
                if index >= searchesMax, let found = await group.next() { take(found) }
                if index > 0 {
                    guard (try? await search.loop.sleep(for: pause)) != nil else { break }
                }
                let host = range[index]
                group.addTask { await search.look(at: host, port: port) }
            }
            while let found = await group.next() { take(found) }
        }
    }
}

/// Looks at one address after the other.
private struct Search: Sendable {
    let commKey: UInt32?
    let loop: EventLoop
    let steady: @Sendable () -> ContinuousClock.Instant
    /// The terminals that the location has.
    let known: [Device]
    /// The names of those whose session is open or opening, by `host:port`; they are left alone.
    let inSession: [String: String]

    /// Nil where nobody answers.
    func look(at host: String, port: UInt16) async -> FoundDevice? {
        let text = "\(host):\(port)"
        if let name = inSession[text] {
            let device = known.first { $0.name == name }
            return FoundDevice(
                address: text, serial: device?.serial ?? "",
                platform: device?.platform ?? "", firmware: device?.firmware ?? "",
                knownAs: name, skipped: true)
        }
        guard let address = try? SocketAddress(host: host, port: port) else { return nil }
        var options = ZKClient.Options(now: steady)
        options.connectTimeout = .seconds(2)
        options.requestTimeout = .seconds(3)
        var found = FoundDevice(address: text)
        do {
            let identity = try await withZKClient(
                to: address, commKey: commKey, on: loop, options: options
            ) { client in try await client.identity() }
            found.serial = identity.serial.clipped(toBytes: 64)
            found.model = identity.name.clipped(toBytes: 128)
            found.platform = identity.platform.clipped(toBytes: 128)
            found.firmware = identity.firmware.clipped(toBytes: 128)
            if let device = known.first(where: { $0.active && $0.serial == identity.serial }) {
                found.knownAs = device.name
                if device.address != text { found.knownAddress = device.address }
            }
        } catch let error as ZKError {
            switch error.code {
            case .unreachable, .cancelled: return nil
            case .keyRequired, .keyWrong, .locked: found.needsKey = true
            default: break
            }
            found.cause = error.cause.clipped(toBytes: 512)
        } catch {
            return nil
        }
        return found
    }
}
