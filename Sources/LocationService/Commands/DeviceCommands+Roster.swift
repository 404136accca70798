import Attendance
import MeshAPI
import RPCRuntime
import ServiceKit
import Transport
import ZKProtocol

extension DeviceCommands {
    func addDevice(
        _ request: AddDeviceRequest, _ call: ServerCall
    ) async throws(RPCError) -> AddDeviceResult {
        try check(location: request.location)
        var settings = try DeviceSettings(request.device, commKey: request.commKey)
        settings.clockPolicy = clock
        let name = settings.name
        guard roster.member(name) == nil else { throw Self.exists("a terminal `\(name)`") }
        let members = roster.members
        guard members.count < DeviceRoster.devicesMax else { throw Self.full }
        // Where a terminal has moved from, there is room.
        let taken = members.first { member in
            let status = board.status(of: member.settings.name)
            return (status?.device.address ?? member.settings.address) == settings.address
        }
        if let taken {
            throw Self.exists("the address \(settings.address), as `\(taken.settings.name)`")
        }
        var result = AddDeviceResult()
        do throws(RPCError) {
            let identity = try await probe(settings)
            result.serial = identity.serial.clipped(toBytes: 64)
        } catch {
            guard request.unreachable else { throw error }
            result.cause = error.message.clipped(toBytes: 512)
        }
        if let known = board.statuses.first(where: {
            !result.serial.isEmpty && $0.device.serial == result.serial && $0.device.active
        }) {
            throw Self.exists("the terminal \(result.serial), as `\(known.device.name)`")
        }
        let order = Order(
            command: "device-add",
            arguments: request.device.description + (settings.commKey == nil ? "" : " with a key"))
        let serial = result.serial
        (_, result.receipt) = try await changeLocation(name, order, call) { () throws(RPCError) in
            do throws(ConfigurationError) {
                try CommKeyFolder(store: store.path).write(settings.commKey, name)
            } catch {
                throw RPCError(.unavailable, error.message, command: .notSent)
            }
            do throws(StoreError) { try await store.keep(request.device) } catch {
                throw RPCError(error, .notSent, audit: 0)
            }
            board.add(name, DeviceStatus(settings, serial: serial))
            guard roster.add(settings, .command) else { throw Self.full }
        }
        return result
    }

    private static func exists(_ what: String) -> RPCError {
        RPCError(.alreadyExists, "the location has \(what) already", command: .notSent)
    }

    private static let full = RPCError(
        .resourceExhausted, "the location has \(DeviceRoster.devicesMax) terminals, the limit",
        command: .notSent)

    /// Connects once and asks who it is.
    private func probe(_ settings: DeviceSettings) async throws(RPCError) -> DeviceIdentity {
        do {
            let (host, port) = try SocketAddress.split(settings.address)
            let found = try await SocketAddress.resolve(
                host, port: port, on: loop, timeout: .seconds(5))
            guard let address = found.first else {
                throw TransportError(.invalidAddress, "\(settings.address) has no address")
            }
            var options = ZKClient.Options(now: surroundings.steady)
            options.connectTimeout = settings.patience.connect
            var transport = settings.transport
            if transport == nil {
                transport = try await ZKClient.probe(
                    address, on: loop, options: options, patience: settings.patience.probe)
            }
            let identity = try await withZKClient(
                to: address, over: transport ?? .tcp, commKey: settings.commKey, on: loop,
                options: options
            ) { client in try await client.identity() }
            if let wanted = settings.serial, wanted != identity.serial {
                throw RPCError(
                    .failedPrecondition,
                    "the terminal at \(settings.address) is \(identity.serial), not \(wanted)",
                    command: .notSent)
            }
            return identity
        } catch {
            throw RPCError(error, .notSent, audit: 0)
        }
    }

    func removeDevice(
        _ request: RemoveDeviceRequest, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        let device = request.target.device
        if push.owns(device) {
            try check(location: request.target.location)
            return try await changeLocation(device, Order(command: "device-remove"), call) {
                () throws(RPCError) in try await push.revoke(device)
            }.1
        }
        let member = try find(request.target)
        let name = member.settings.name
        guard member.origin == .command else {
            throw RPCError(
                .failedPrecondition,
                "`\(name)` is in the location's configuration file: take it out there",
                command: .notSent)
        }
        return try await changeLocation(name, Order(command: "device-remove"), call) {
            () throws(RPCError) in
            await roster.remove(name)
            do throws(StoreError) {
                try await store.forget(name)
                try await store.retire(name)
            } catch {
                throw RPCError(error, .maybeDone, audit: 0)
            }
            board.remove(name)
            do throws(ConfigurationError) {
                try CommKeyFolder(store: store.path).write(nil, name)
            } catch {
                throw RPCError(.unavailable, error.message, command: .maybeDone)
            }
        }.1
    }

    func approveDevice(
        _ request: ApproveDeviceRequest, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        try check(location: request.location)
        let order = Order(command: "device-approve", arguments: "serial=\(request.serial)")
        return try await changeLocation(request.name, order, call) { () throws(RPCError) in
            try await push.approve(serial: request.serial, name: request.name)
        }.1
    }
}

extension DeviceSettings {
    /// What an added terminal is to be read with.
    init(_ device: ManagedDevice, commKey text: String) throws(RPCError) {
        func wrong(_ why: String) -> RPCError { RPCError(.invalidArgument, why, command: .notSent) }
        guard !device.name.isEmpty,
            !device.name.unicodeScalars.contains(where: { $0.value < 0x20 })
        else { throw wrong("the name of a terminal is empty or has control characters") }
        let address: (String, UInt16)
        do throws(TransportError) { address = try SocketAddress.split(device.address) } catch {
            throw wrong("the address `\(device.address)` is not host:port")
        }
        guard address.1 > 0 else { throw wrong("the address `\(device.address)` has no port") }
        self.init(name: device.name, address: device.address)
        if !device.serial.isEmpty { serial = device.serial }
        if !text.isEmpty {
            // Never the text itself in an error: it may be a key with one digit too many.
            guard let key = UInt32(text) else {
                throw wrong("the comm key is no number from 0 to 4294967295")
            }
            commKey = key
        }
        if !device.clockMode.isEmpty {
            guard let mode = ClockMode(device.clockMode) else {
                throw wrong(
                    "the clock mode is `\(device.clockMode)`; allowed are `zone`, `+hh:mm` and "
                        + "`-hh:mm`")
            }
            clockMode = mode
        }
        if !device.transport.isEmpty, device.transport != "auto" {
            guard let transport = ZKTransport(rawValue: device.transport) else {
                throw wrong(
                    "the transport is `\(device.transport)`; allowed are `auto`, `tcp` and `udp`")
            }
            self.transport = transport
        }
        if !device.encoding.isEmpty {
            do throws(UnknownEncoding) {
                encoding = try UnknownEncoding.encoding(named: device.encoding)
            } catch {
                throw wrong("the encoding \(error)")
            }
        }
        findsAgain = !device.stays
        if device.pollSeconds > 0 { pollInterval = .seconds(Int64(device.pollSeconds)) }
    }
}

extension DeviceStatus {
    /// A terminal before its session has said anything.
    init(_ settings: DeviceSettings, serial: String = "") {
        self.init(
            device: Device(
                serial: serial, name: settings.name, address: settings.address, active: true,
                clockMode: settings.clockMode.description,
                pollIntervalSeconds: settings.pollSeconds, push: settings.isPush),
            state: .connecting,
            clockSource: settings.clockPolicy.setting == .whenOff && !settings.isPush
                ? "location" : "")
    }
}
