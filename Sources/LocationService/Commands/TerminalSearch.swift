import MeshAPI
import RPCRuntime
import Transport
import ZKProtocol

/// Looks for terminals in a network, politely: one connection an address, and never many at once.
struct TerminalSearch: Sendable {
    /// Addresses that are asked at a time.
    static let searchesMax = 16
    /// The time between two connections: a /24 takes 13 s, and no switch notices.
    static let pause: Duration = .milliseconds(50)

    /// Tried at each terminal that asks for one.
    let commKey: UInt32?
    let loop: EventLoop
    let steady: @Sendable () -> ContinuousClock.Instant
    /// The terminals that the location has.
    let known: [Device]
    /// The names of those whose session is open or opening, by `host:port`; they are left alone.
    let inSession: [String: String]

    /// Looks at each address; `take` hears of each, with nil where nobody answers, and ends the
    /// search with false.
    func run(
        _ range: AddressRange, _ port: UInt16, pause: Duration = Self.pause,
        _ take: (FoundDevice?) -> Bool
    ) async {
        await withTaskGroup(of: FoundDevice?.self) { group in
            for index in 0..<range.count {
                if Task.isCancelled { break }
                if index >= Self.searchesMax, let found = await group.next(), !take(found) {
                    group.cancelAll()
                    return
                }
                if index > 0 {
                    guard (try? await loop.sleep(for: pause)) != nil else { break }
                }
                let host = range[index]
                group.addTask { await look(at: host, port: port) }
            }
            while let found = await group.next() {
                guard take(found) else {
                    group.cancelAll()
                    return
                }
            }
        }
    }

    /// Nil where nobody answers.
    ///
    /// UDP is tried only where no TCP connection comes about: the oldest terminals have nothing
    /// else.
    func look(at host: String, port: UInt16) async -> FoundDevice? {
        let text = "\(host):\(port)"
        if let name = inSession[text] {
            let device = known.first { $0.name == name }
            return FoundDevice(
                address: text, serial: device?.serial ?? "",
                platform: device?.platform ?? "", firmware: device?.firmware ?? "",
                knownAs: name, skipped: true, transport: device?.transport ?? "")
        }
        guard let address = try? SocketAddress(host: host, port: port) else { return nil }
        if let found = await ask(address, over: .tcp) { return found }
        return Task.isCancelled ? nil : await ask(address, over: .udp)
    }

    private func ask(
        _ address: SocketAddress, over transport: ZKTransport
    ) async -> FoundDevice? {
        let text = address.description
        var options = ZKClient.Options(now: steady)
        options.connectTimeout = transport == .tcp ? .seconds(2) : .milliseconds(1500)
        options.requestTimeout = .seconds(3)
        var found = FoundDevice(address: text, transport: transport.rawValue)
        do {
            let identity = try await withZKClient(
                to: address, over: transport, commKey: commKey, on: loop, options: options
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

extension DeviceBoard {
    /// `host:port`, in numbers, of the terminals whose session is open or opening.
    func addressesInSession(on loop: EventLoop) async -> [String: String] {
        var found: [String: String] = [:]
        for status in statuses where status.state == .online || status.state == .connecting {
            let text = status.device.address
            found[text] = status.device.name
            guard let (host, port) = try? SocketAddress.split(text) else { continue }
            let numeric = try? await SocketAddress.resolve(
                host, port: port, on: loop, timeout: .seconds(5))
            for address in numeric ?? [] { found["\(address)"] = status.device.name }
        }
        return found
    }
}
