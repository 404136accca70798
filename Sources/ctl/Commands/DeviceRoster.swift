import MeshAPI
import RPCRuntime
import ServiceKit

extension Session {
    func addDevice() async throws(Failure) -> Terminal.ExitCode {
        let (name, address) = (invocation.operands[0], invocation.operands[1])
        let device = ManagedDevice(
            name: name, address: address, serial: invocation.value("--serial") ?? "",
            clockMode: invocation.value("--clock-mode") ?? "",
            pollSeconds: UInt32(try number("--poll-seconds", default: 0, in: 0...86_400)),
            transport: invocation.value("--transport") ?? "",
            encoding: invocation.value("--encoding") ?? "", stays: invocation.flag("--stays"))
        let key = try commKey()
        return try await withLocation { devices, location throws(Failure) in
            guard try confirm("add \(address) to \(location) as `\(name)`") else { return .ok }
            let request = AddDeviceRequest(
                location: location, device: device, commKey: key,
                unreachable: invocation.flag("--unreachable"))
            let result = try await order("adding \(name)") { options throws(RPCError) in
                try await devices.addDevice(request, options)
            }
            if !result.cause.isEmpty { output.note("warning: it does not answer: \(result.cause)") }
            let serial = result.serial.isEmpty ? "" : ", serial number \(result.serial)"
            return try conclude(
                "\(location)/\(name) is added\(serial)", result.receipt, result)
        }
    }

    func removeDevice() async throws(Failure) -> Terminal.ExitCode {
        try await withDevice { access throws(Failure) in
            guard try confirm("take \(access.name) away") else { return .ok }
            let receipt = try await order("removing \(access.name)") { options throws(RPCError) in
                try await access.devices.removeDevice(
                    RemoveDeviceRequest(target: access.target), options)
            }
            return try conclude("\(access.name) is removed", receipt, receipt)
        }
    }

    func approveDevice() async throws(Failure) -> Terminal.ExitCode {
        let (serial, name) = (invocation.operands[0], invocation.operands[1])
        return try await withLocation { devices, location throws(Failure) in
            guard try confirm("let \(serial) deliver to \(location) as `\(name)`") else {
                return .ok
            }
            let request = ApproveDeviceRequest(location: location, serial: serial, name: name)
            let receipt = try await order("approving \(serial)") { options throws(RPCError) in
                try await devices.approveDevice(request, options)
            }
            return try conclude(
                "\(location)/\(name) may deliver, from its next request on", receipt, receipt)
        }
    }

    /// Shows terminals as they are found.
    func discover() async throws(Failure) -> Terminal.ExitCode {
        let port = try number("--port", default: 4370, in: 1...65_535)
        let key = try commKey()
        return try await withLocation { devices, location throws(Failure) in
            let request = DiscoverRequest(
                location: location, network: invocation.operands[0], port: UInt32(port),
                commKey: key)
            var listing = Listing<FoundDevice>(output)
            let times = Times(isUTC: true)
            try listing.begin(times)
            try await follow("searching \(request.network)") { body, options throws(RPCError) in
                try await devices.discover(request, options, body)
            } each: { (step: Discovery) throws(Failure) in
                if let found = step.found { try listing.page([found], times) }
                if step.probed % 100 == 0 || step.probed == step.total {
                    output.note("note: \(step.probed) of \(step.total) addresses looked at")
                }
            }
            try listing.end(Array("{\"data\":[]}".utf8))
            return .ok
        }
    }

    /// Lists what was ordered, location by location.
    func listAudit() async throws(Failure) -> Terminal.ExitCode {
        let limit = try number("--limit", default: 100, in: 1...1_000_000)
        let connection = try await dial()
        defer { connection.close() }
        let fleet = Fleet.Client(connection)
        let devices = Devices.Client(connection)
        let known = try await call("listing locations") { options throws(RPCError) in
            try await fleet.listLocations(ListLocations(), options)
        }
        let times = Times(isUTC: invocation.flag("--utc"), zones: known.zones)
        let asked = invocation.value("--location").map { [$0] } ?? known.data.map(\.name)
        var listing = Listing<AuditRecord>(output)
        try listing.begin(times)
        var missing = 0
        for location in asked {
            do throws(Failure) {
                try await listAudit(of: location, limit, devices, times, &listing)
            } catch {
                // Asked for by name, it is an error; among all, a gap.
                guard invocation.value("--location") == nil, error.exitCode == .unreachable else {
                    throw error
                }
                output.note("warning: \(error.message)")
                missing += 1
            }
        }
        try listing.end(Array("{\"data\":[]}".utf8))
        return missing == 0 ? .ok : .incomplete
    }

    private func listAudit(
        of location: String, _ limit: Int, _ devices: Devices.Client, _ times: Times,
        _ listing: inout Listing<AuditRecord>
    ) async throws(Failure) {
        var request = ListAuditRequest(
            location: location, device: invocation.value("--device") ?? "")
        var left = limit
        repeat {
            request.limit = UInt32(min(left, 1000))
            let asked = request
            let page = try await call("listing the audit of \(location)") {
                options throws(RPCError) in
                try await devices.listAudit(asked, options)
            }
            try listing.page(page.data, times)
            left -= min(left, page.data.count)
            request.before = page.next
        } while request.before != 0 && left > 0
    }

    /// Asks about a location as a whole.
    func withLocation<Result>(
        _ body: (Devices.Client, String) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let connection = try await dial()
        defer { connection.close() }
        let location = try await theLocation(Fleet.Client(connection))
        return try await body(Devices.Client(connection), location)
    }

    /// Runs a call whose answers come one after the other.
    func follow<Answer: Message>(
        _ stage: String,
        _ start:
            @escaping (
                (MessageStream<Answer>) async throws(RPCError) -> Void, CallOptions
            ) async throws(RPCError) -> Void,
        each: (Answer) throws(Failure) -> Void
    ) async throws(Failure) {
        var stop: Failure?
        do throws(RPCError) {
            try await start(
                { answers throws(RPCError) in
                    for try await answer in answers {
                        do throws(Failure) { try each(answer) } catch {
                            stop = error
                            return
                        }
                    }
                }, CallOptions(timeout: settings.timeout))
        } catch {
            if let stop { throw stop }
            throw .command(error, stage, settings.gateway)
        }
        if let stop { throw stop }
    }

    /// The comm key of a file or of standard input; empty without either.
    private func commKey() throws(Failure) -> String {
        let text: String
        switch (invocation.value("--comm-key-file"), invocation.flag("--comm-key-stdin")) {
        case (nil, false): return ""
        case (_?, true): throw .usage("--comm-key-file and --comm-key-stdin exclude each other")
        case (let file?, false):
            do throws(ConfigurationError) { text = try Secret.read(path: file).revealText() } catch
            {
                throw .usage(error.message)
            }
        case (nil, true): text = Secret(Array(surroundings.read().utf8)).revealText()
        }
        guard UInt32(text) != nil else {
            throw .usage("the comm key is no number from 0 to 4294967295")
        }
        return text
    }
}
