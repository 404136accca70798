import MeshAPI
import RPCRuntime
import ServiceKit

// What takes long, and says how far it is on standard error.
extension Session {
    func pull() async throws(Failure) -> Terminal.ExitCode {
        try await withDevice { access throws(Failure) in
            var last = PullProgress()
            try await follow("reading \(access.name)") { body, options throws(RPCError) in
                try await access.devices.pull(
                    PullRequest(target: access.target), options, body)
            } each: { (step: PullProgress) throws(Failure) in
                last = step
                if !step.finished { output.note("note: \(step.stage)") }
            }
            let times = try await times(access.fleet)
            let through = times.text(last.completeThrough, at: access.target.location)
            if output.format == .json {
                let json = String(decoding: last.encodedJSON(.document), as: UTF8.self)
                try output.data("{\"data\":\(json)}\n")
            } else {
                output.note(
                    "\(access.name): \(last.records) records, \(last.fresh) new, "
                        + "complete through \(through)")
            }
            return .ok
        }
    }

    func enrol() async throws(Failure) -> Terminal.ExitCode {
        let user = invocation.operands[1]
        let finger = try number("--finger", default: 6, in: 0...9)
        return try await withDevice { access throws(Failure) in
            let what = "take finger \(finger) of the user \(user) at \(access.name)"
            guard try confirm(what) else { return .ok }
            let request = EnrolRequest(
                target: access.target, userID: user, finger: UInt32(finger),
                duress: invocation.flag("--duress"))
            var receipt = CommandReceipt()
            var seen: UInt32 = 0
            try await follow("enrolling \(user)") { body, options throws(RPCError) in
                try await access.devices.enrol(request, options, body)
            } each: { (step: EnrolProgress) throws(Failure) in
                if let end = step.receipt { receipt = end }
                switch step.stage {
                case .waiting:
                    output.note("put the finger on the sensor (\(step.step) of \(step.steps))")
                case .seen where !step.good: output.note("not good enough: once more")
                // A finger is announced when it comes and once more when it was good.
                case .seen where step.step > seen:
                    seen = step.step
                    output.note("seen (\(step.step) of \(step.steps))")
                default: break
                }
            }
            return try conclude(
                "finger \(finger) of the user \(user) is enrolled at \(access.name)", receipt,
                receipt)
        }
    }

    func clearLog() async throws(Failure) -> Terminal.ExitCode {
        try await withDevice { access throws(Failure) in
            let serial = access.view.serial
            let what = "empty the log of \(access.name) (\(serial))"
            if invocation.flag("--dry-run") {
                output.note("dry run: would \(what)")
                return .ok
            }
            var confirmed = invocation.value("--confirm")
            if confirmed == nil {
                guard surroundings.isInteractive else {
                    throw .usage(
                        "this would \(what)", hint: "--confirm \(serial) does it without asking")
                }
                output.ask("\(what)? Type its serial number: ")
                confirmed = surroundings.readLine()
            }
            guard let confirmed, confirmed == serial else { throw .declined }
            output.note("note: reading the log and proving that it is stored twice")
            let request = ClearLogRequest(target: access.target, confirmSerial: confirmed)
            let result = try await order("clearing the log of \(access.name)") {
                options throws(RPCError) in
                try await access.devices.clearLog(request, options)
            }
            return try conclude(
                "\(access.name): \(result.cleared) records cleared; \(result.gateway) holds the "
                    + "log up to entry \(result.sequence)", result.receipt, result)
        }
    }

    func copyTemplates() async throws(Failure) -> Terminal.ExitCode {
        try await withDevice(0) { from throws(Failure) in
            try await withDevice(1) { to throws(Failure) in
                guard from.target.location == to.target.location else {
                    throw .usage(
                        "\(from.name) and \(to.name) are at two locations; templates leave none")
                }
                let what = "copy fingerprints from \(from.name) to \(to.name)"
                guard try confirm(what) else { return .ok }
                let request = CopyTemplatesRequest(
                    location: from.target.location, from: from.target.device,
                    to: to.target.device, users: invocation.values("--user"))
                var summary = CopySummary()
                try await follow("copying fingerprints") { body, options throws(RPCError) in
                    try await from.devices.copyTemplates(request, options, body)
                } each: { (step: CopyProgress) throws(Failure) in
                    if let last = step.summary { summary = last }
                    if !step.failure.isEmpty {
                        output.note("warning: \(step.userID): \(step.failure)")
                    } else if step.summary == nil {
                        output.note(
                            "note: \(step.done) of \(step.total): \(step.userID), "
                                + "\(step.templates) fingers")
                    }
                }
                let code = try conclude(
                    "\(summary.templates) fingers of \(summary.people) people copied, "
                        + "\(summary.failed) people failed", summary.receipt, summary)
                return summary.failed == 0 ? code : .incomplete
            }
        }
    }
}
