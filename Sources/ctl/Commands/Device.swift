import MeshAPI
import RPCRuntime
import ServiceKit

/// A terminal that a command line named, and the way to it.
struct DeviceAccess: Sendable {
    let devices: Devices.Client
    let fleet: Fleet.Client
    let target: DeviceTarget
    /// As the gateway lists it.
    let view: DeviceView

    /// `cairo/front-door`.
    var name: String { "\(target.location)/\(view.name)" }
}

extension Session {
    /// Finds the terminal of the first operand, or of another one.
    func withDevice<Result>(
        _ operand: Int = 0, _ body: (DeviceAccess) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let connection = try await dial()
        defer { connection.close() }
        let fleet = Fleet.Client(connection)
        let view = try await find(invocation.operands[operand], fleet)
        return try await body(
            DeviceAccess(
                devices: Devices.Client(connection), fleet: fleet,
                target: DeviceTarget(location: view.location, device: view.name), view: view))
    }

    /// The one terminal of this name or serial number.
    private func find(_ device: String, _ fleet: Fleet.Client) async throws(Failure) -> DeviceView {
        let location = invocation.value("--location")
        let request = ListDevices(location: location.map { [$0] } ?? [])
        let list = try await call("finding \(device)") { options throws(RPCError) in
            try await fleet.listDevices(request, options)
        }
        let named = list.data.filter { $0.name == device || $0.serial == device }
        // A name goes with the terminal that has it now.
        let active = named.filter(\.active)
        let found = active.isEmpty ? named : active
        guard let first = found.first else {
            let names = list.data.filter(\.active).map(\.name)
            let hint = closest(to: device, in: names).map { "did you mean `\($0)`?" }
            throw .missing(
                "no terminal has the name or serial number `\(device)`",
                hint: hint ?? "`ctl device list` lists them")
        }
        guard found.count == 1 else {
            let places = found.map { "\($0.location)/\($0.name) (\($0.serial))" }
            throw .usage(
                "`\(device)` may be \(places.joined(separator: ", "))",
                hint: "--location says which, or the serial number")
        }
        return first
    }

    /// The location of `--location`, or the only one there is.
    func theLocation(_ fleet: Fleet.Client) async throws(Failure) -> String {
        if let location = invocation.value("--location") { return location }
        let list = try await call("finding the location") { options throws(RPCError) in
            try await fleet.listLocations(ListLocations(), options)
        }
        guard let only = list.data.first, list.data.count == 1 else {
            throw .usage(
                "there are \(list.data.count) locations",
                hint: "--location says which; `ctl location list` lists them")
        }
        return only.name
    }

    /// Makes a call for a command; a failure says whether the terminal has heard of it.
    func order<Result>(
        _ stage: String, _ body: (CallOptions) async throws(RPCError) -> Result
    ) async throws(Failure) -> Result {
        do throws(RPCError) {
            return try await body(CallOptions(timeout: settings.timeout))
        } catch {
            throw .command(error, stage, settings.gateway)
        }
    }

    /// Asks before something is changed; false for a dry run.
    ///
    /// `what` is what will be done, as "restart cairo/door".
    func confirm(_ what: String) throws(Failure) -> Bool {
        if invocation.flag("--dry-run") {
            output.note("dry run: would \(what)")
            return false
        }
        if invocation.flag("--yes") { return true }
        guard surroundings.isInteractive else {
            throw .usage("this would \(what)", hint: "--yes does it without asking")
        }
        output.ask("\(what)? [y/N] ")
        let answer = (surroundings.readLine() ?? "").lowercased()
        guard answer == "y" || answer == "yes" else { throw .declined }
        return true
    }

    /// Says that it is done, or shows what came of it.
    func conclude(
        _ text: String, _ receipt: CommandReceipt, _ document: some Message
    ) throws(Failure) -> Terminal.ExitCode {
        if output.format == .json {
            let json = String(decoding: document.encodedJSON(.document), as: UTF8.self)
            try output.data("{\"data\":\(json)}\n")
        } else {
            output.note("\(text) (audit \(receipt.audit))")
        }
        return .ok
    }

    /// Shows one thing: each field on a line of its own, or as a document.
    func show(_ fields: [(String, String)], _ document: some Message) throws(Failure) {
        switch output.format {
        case .json:
            let json = String(decoding: document.encodedJSON(.document), as: UTF8.self)
            try output.data("{\"data\":\(json)}\n")
        case .csv:
            if output.hasHeaders { try output.data(csvLine(fields.map(\.0))) }
            try output.data(csvLine(fields.map(\.1)))
        case .table:
            let width = fields.map { displayWidth($0.0) }.max() ?? 0
            for (name, value) in fields where !value.isEmpty {
                let gap = String(repeating: " ", count: width - displayWidth(name) + 2)
                try output.data("\(name)\(gap)\(printable(value))\n")
            }
        }
    }

    // MARK: The commands

    func describeDevice() async throws(Failure) -> Terminal.ExitCode {
        try await withDevice { access throws(Failure) in
            let times = try await times(access.fleet)
            try show(Array(zip(DeviceView.fields, access.view.values(times))), access.view)
            return .ok
        }
    }

    func deviceInfo() async throws(Failure) -> Terminal.ExitCode {
        try await withDevice { access throws(Failure) in
            let info = try await order("asking \(access.name)") { options throws(RPCError) in
                try await access.devices.info(InfoRequest(target: access.target), options)
            }
            try show(info.fields, info)
            return .ok
        }
    }

    func checkDevice() async throws(Failure) -> Terminal.ExitCode {
        try await withDevice { access throws(Failure) in
            let report = try await order("checking \(access.name)") { options throws(RPCError) in
                try await access.devices.checkDevice(
                    CheckDeviceRequest(target: access.target), options)
            }
            var screen = CheckScreen(output)
            try screen.begin()
            try screen.show(report.findings)
            try screen.end()
            return screen.count(.warning) + screen.count(.failure) == 0 ? .ok : .incomplete
        }
    }

    func setTime() async throws(Failure) -> Terminal.ExitCode {
        try await withDevice { access throws(Failure) in
            guard try confirm("set the clock of \(access.name)") else { return .ok }
            let result = try await order("setting the clock of \(access.name)") {
                options throws(RPCError) in
                try await access.devices.setTime(SetTimeRequest(target: access.target), options)
            }
            let before = result.offsetBeforeMilliseconds.map { "\($0) ms" } ?? "no real date"
            let after = result.offsetAfterMilliseconds.map { "\($0) ms" } ?? "no real date"
            return try conclude(
                "the clock of \(access.name) was off by \(before), and is by \(after)",
                result.receipt, result)
        }
    }

    func restartDevice() async throws(Failure) -> Terminal.ExitCode {
        try await withDevice { access throws(Failure) in
            guard try confirm("restart \(access.name)") else { return .ok }
            let receipt = try await order("restarting \(access.name)") { options throws(RPCError) in
                try await access.devices.restart(RestartRequest(target: access.target), options)
            }
            return try conclude("\(access.name) restarts", receipt, receipt)
        }
    }

    func unlockDoor() async throws(Failure) -> Terminal.ExitCode {
        let seconds = try number("--seconds", default: 3, in: 1...255)
        return try await withDevice { access throws(Failure) in
            guard try confirm("open the door of \(access.name) for \(seconds) s") else {
                return .ok
            }
            let request = UnlockRequest(target: access.target, seconds: UInt32(seconds))
            let receipt = try await order("unlocking \(access.name)") { options throws(RPCError) in
                try await access.devices.unlock(request, options)
            }
            return try conclude(
                "the door of \(access.name) is open for \(seconds) s", receipt, receipt)
        }
    }

    /// A number of the command line.
    func number(
        _ option: String, default value: Int, in range: ClosedRange<Int>
    ) throws(Failure) -> Int {
        do throws(UsageError) {
            return try invocation.integer(option, default: value, in: range)
        } catch {
            throw .usage(error.message)
        }
    }
}
