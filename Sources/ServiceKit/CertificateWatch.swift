import Synchronization
public import Transport

/// What a certificate's life looks like at one moment, for checks and metrics.
public struct CertificateReading: Sendable, Hashable {
    /// What it is for, such as `mesh`.
    public var purpose: String
    public var file: String
    /// `certificate_not_after_seconds`: when it ends, in seconds since 1970.
    public var notAfterSeconds: Int64
    /// `certificate_life_left_ratio`: 1 at its beginning, 0 at its end.
    public var lifeLeft: Double
}

/// Looks after the certificates of a service: reads the files again when they have changed, and
/// says so in the log when one comes to its end.
public final class CertificateWatch: Sendable {
    /// How far a certificate is.
    enum Stage: Int, Comparable {
        case early, fresh, half, quarter, tenth, ended

        init(_ validity: CertificateValidity, at now: Int64) {
            let left = validity.fractionLeft(at: now)
            self =
                if now < validity.notBefore { .early } else if now > validity.notAfter {
                    .ended
                } else if left <= 0.1 { .tenth } else if left <= 0.25 {
                    .quarter
                } else if left <= 0.5 { .half } else { .fresh }
        }

        static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
    }

    private struct Progress: Sendable {
        var stage = Stage.fresh
        /// Why the files could not be read again, until they could.
        var failure: String?
    }

    private let certificates: [(purpose: String, tls: TLSContext)]
    private let log: Logger
    private let now: @Sendable () -> Int64
    private let progress: Lock<[Progress]>

    /// How often the files are looked at.
    public static let interval = Duration.seconds(60)

    /// - Parameters:
    ///   - certificates: What each is for, and the context that has it.
    ///   - log: Hears of reloads, of files that cannot be used, and at 50, 25 and 10 % of a life.
    ///   - now: Seconds since 1970.
    public init(
        _ certificates: [(purpose: String, tls: TLSContext)], log: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.certificates = certificates
        self.log = log
        self.now = now
        progress = Lock(certificates.map { _ in Progress() })
    }

    /// Checks now and every minute, until the task is cancelled.
    public func run(on loop: EventLoop) async {
        repeat { check() } while (try? await loop.sleep(for: Self.interval)) != nil
    }

    /// Reads files that have changed, and looks at the ends of the certificates.
    ///
    /// - Parameter evenIfUnchanged: Reads them all, as an operator asks for with SIGHUP.
    public func check(evenIfUnchanged: Bool = false) {
        progress.withLock { progress in
            for (index, (purpose, tls)) in certificates.enumerated() {
                let log = log.with(["certificate": purpose, "file": tls.certificateFile])
                reload(tls, evenIfUnchanged, &progress[index], log)
                warn(tls, &progress[index], log)
            }
        }
    }

    /// How far each is.
    public var readings: [CertificateReading] {
        certificates.compactMap { purpose, tls in
            tls.certificateValidity.map { validity in
                CertificateReading(
                    purpose: purpose, file: tls.certificateFile,
                    notAfterSeconds: validity.notAfter,
                    lifeLeft: validity.fractionLeft(at: now()))
            }
        }
    }

    private func reload(
        _ tls: TLSContext, _ evenIfUnchanged: Bool, _ progress: inout Progress, _ log: Logger
    ) {
        do throws(TransportError) {
            let outcome = try tls.reload(evenIfUnchanged: evenIfUnchanged)
            if outcome == .reloaded {
                progress = Progress()
                log.info(
                    "certificates were read again", ["until": Self.end(tls.certificateValidity)])
            } else if progress.failure != nil {
                progress.failure = nil
                log.info("certificates are as they were read")
            }
        } catch {
            // Once, until it is another: the next minute tries again.
            if progress.failure == error.message, !evenIfUnchanged { return }
            progress.failure = error.message
            log.error(
                "certificates cannot be read again; those read before stay",
                ["cause": error.message])
        }
    }

    private func warn(_ tls: TLSContext, _ progress: inout Progress, _ log: Logger) {
        guard let validity = tls.certificateValidity else { return }
        let stage = Stage(validity, at: now())
        defer { progress.stage = stage }
        if stage == progress.stage || stage == .fresh { return }
        let left = Int(validity.fractionLeft(at: now()) * 100)
        let fields: Logger.Fields = ["until": Self.end(validity), "percent_left": left]
        switch stage {
        case .fresh: break
        case .early: log.warning("the certificate is not valid yet", fields)
        case .half: log.info("half of the certificate's life is over", fields)
        case .quarter: log.warning("a quarter of the certificate's life is left", fields)
        case .tenth: log.error("a tenth of the certificate's life is left", fields)
        case .ended: log.error("the certificate has expired; peers refuse this service", fields)
        }
    }

    private static func end(_ validity: CertificateValidity?) -> String {
        validity.map { RFC3339.text(seconds: $0.notAfter) } ?? "unknown"
    }
}
