/// How an enrolment ended, and what happened at the device meanwhile.
public struct EnrolmentResult: Sendable {
    public var enrolment: Enrolment
    /// Events that were not the enrolment's, such as punches, in their order.
    public var otherEvents: [LiveEvent]
    /// Nil when nobody came in time.
    public var outcome: Enrolment.Outcome? { enrolment.outcome }
}

extension ZKClient {
    /// Lets a user put a finger on the sensor, three times on most firmware.
    ///
    /// Ends with the device's word or after `timeout`; however it ends, the device is told to wait
    /// for no finger any more, by ``close()`` where the task was cancelled or the connection
    /// failed. `listeningTo` is what the client was told of before and will be told of again.
    public func enrol(
        _ request: EnrolmentRequest, timeout: Duration, listeningTo kinds: EventKind = [],
        onProgress: (Enrolment) -> Void = { _ in }
    ) async throws(ZKError) -> EnrolmentResult {
        let layout = try await userLayout()
        try check(request.userID, "the id \(request.userID)", for: .startEnrolment)
        guard request.finger <= 9, let data = request.encoded(layout, encoding) else {
            throw failure(
                .unfit, .startEnrolment,
                "finger \(request.finger) of \(request.userID): fingers are 0 to 9, and ids fit "
                    + "\(layout.stride)-byte users")
        }
        try await perform(.cancelCapture)
        try await listen(to: .all)
        learnt.isCapturing = true
        let result: EnrolmentResult
        do throws(ZKError) {
            try await perform(.startEnrolment, data)
            result = try await follow(until: options.now() + timeout, onProgress)
        } catch {
            // With these the connection may still serve; what went wrong first is told.
            if error.code == .refused || error.code == .timedOut {
                try? await endCapture(listeningTo: kinds)
            }
            throw error
        }
        try await endCapture(listeningTo: kinds)
        return result
    }

    private func follow(
        until deadline: ContinuousClock.Instant, _ onProgress: (Enrolment) -> Void
    ) async throws(ZKError) -> EnrolmentResult {
        var result = EnrolmentResult(enrolment: Enrolment(), otherEvents: [])
        while result.outcome == nil {
            let rest = options.now().duration(to: deadline)
            guard rest > .zero, let event = try await nextEvent(timeout: rest) else { break }
            if result.enrolment.take(event) {
                onProgress(result.enrolment)
            } else if result.otherEvents.count < options.eventsMax {
                result.otherEvents.append(event)
            }
        }
        return result
    }

    private func endCapture(listeningTo kinds: EventKind) async throws(ZKError) {
        try await listen(to: kinds)
        try await perform(.cancelCapture)
        learnt.isCapturing = false
        // Back to recognising people; firmware that does so by itself refuses.
        _ = try await request(.startVerify)
    }
}
