import MeshAPI
import RPCRuntime
import ServiceKit

/// What the gateway finds when it checks itself and, over their links, its locations.
struct GatewayCheck: Sendable {
    let query: FleetQuery
    /// Where the configuration came from.
    let configuration: String
    let certificates: CertificateWatch

    /// What a location gets to answer.
    private static let timeout = Duration.seconds(20)
    private static let certificateWarning: Int64 = 7 * 86_400

    func run() async -> [Finding] {
        var findings = [
            Finding(
                area: "configuration", subject: configuration, level: .ok, message: "was read")
        ]
        findings += certificates.readings.map(certificate)
        findings.append(await store())
        findings += await locations()
        return findings
    }

    private func certificate(_ reading: CertificateReading) -> Finding {
        let subject = reading.purpose == "mesh" ? "gateway" : reading.purpose
        var finding = Finding(area: "certificates", subject: subject)
        let left = reading.notAfterSeconds - query.now().seconds
        finding.level = left <= 0 ? .failure : left < Self.certificateWarning ? .warning : .ok
        finding.message = "valid until \(RFC3339.text(seconds: reading.notAfterSeconds))"
        if finding.level != .ok {
            finding.hint = "make a new certificate; the gateway reads it within a minute"
        }
        return finding
    }

    private func store() async -> Finding {
        do throws(StoreError) {
            let summary = try await query.store.checkIntegrity()
            return Finding(
                area: "store", subject: summary.path, level: .ok,
                message: "sound, \(summary.punches) punches")
        } catch {
            return Finding(
                area: "store", subject: "gateway", level: .failure, message: error.message,
                hint: "restore the store from a backup; the locations refill what is missing")
        }
    }

    private func locations() async -> [Finding] {
        let list: LocationList
        do throws(QueryError) { list = try await query.locations() } catch {
            return [Finding(area: "store", level: .failure, message: error.message)]
        }
        let links = query.links.followed
        return await withTaskGroup(of: [Finding].self) { group in
            for location in list.data {
                group.addTask { await check(location, over: links[location.name]) }
            }
            var findings: [Finding] = []
            for await found in group { findings += found }
            return findings.sorted {
                ($0.subject, $0.area, $0.message) < ($1.subject, $1.area, $1.message)
            }
        }
    }

    /// The gateway's view of a location, then the location's own.
    private func check(_ location: LocationState, over link: (any LocationLink)?) async
        -> [Finding]
    {
        var own = Finding(area: "link", subject: location.name)
        if location.state == .linked {
            own.level = .ok
            own.message = "linked from \(location.address)"
            let behind = location.announcedSequence.subtractingReportingOverflow(
                location.lastSequence)
            if !behind.overflow, behind.partialValue > 0 {
                own.level = .warning
                own.message += ", \(behind.partialValue) entries behind"
            }
        } else {
            own.level = .failure
            own.message = location.cause
            own.hint = "look at the location's service and its network"
        }
        guard let link else { return [own] }
        do throws(RPCError) {
            let report = try await link.check(timeout: Self.timeout)
            return [own]
                + report.findings.map { finding in
                    var finding = finding
                    let isNamed =
                        finding.subject == location.name
                        || finding.subject.hasPrefix(location.name + "/")
                    if !isNamed {
                        let subject = "\(location.name)/\(finding.subject)"
                        finding.subject = String(decoding: subject.utf8.prefix(256), as: UTF8.self)
                    }
                    return finding
                }
        } catch {
            let failure = Finding(
                area: "link", subject: location.name, level: .failure,
                message: "the location did not check itself: \(error.message)")
            return [own, failure]
        }
    }
}
