import HTTP
import ServiceKit
import Transport

extension LocationNode {
    /// Receives what terminals push, where the configuration says so; who does it.
    func addPush(
        _ store: LocationStore, _ board: DeviceBoard, _ loop: EventLoop,
        to group: inout TaskGroup<Void>
    ) -> PushReceiver? {
        guard let push = configuration.push else { return nil }
        let receiver = PushReceiver(
            settings: push, devices: configuration.devices, zone: configuration.zone,
            store: store, board: board, loop: loop, surroundings: surroundings,
            log: log.with(["part": "push"]))
        group.addTask { await serve(receiver, on: loop) }
        return receiver
    }

    /// Listens as soon as it can: the address may come up after the service.
    private func serve(_ receiver: PushReceiver, on loop: EventLoop) async {
        let listen = receiver.settings.listen
        while !Task.isCancelled {
            do throws(TransportError) {
                let (host, port) = try SocketAddress.split(listen)
                let found = try await SocketAddress.resolve(
                    host, port: port, on: loop, timeout: .seconds(5))
                guard let address = found.first else {
                    throw TransportError(.invalidAddress, "\(listen) has no address")
                }
                let server = try receiver.server(at: address)
                log.info("receiving pushes", ["address": "\(server.localAddress)"])
                return await receiver.run(server)
            } catch {
                log.error("cannot receive pushes", ["address": listen, "cause": "\(error)"])
            }
            guard (try? await loop.sleep(for: .seconds(10))) != nil else { return }
        }
    }
}
