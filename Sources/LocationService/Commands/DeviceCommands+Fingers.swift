import MeshAPI
import RPCRuntime
import ZKProtocol

extension DeviceCommands {
    /// How often most terminals ask for the finger.
    private static let enrolSteps: UInt32 = 3

    func enrol(
        _ request: EnrolRequest, to responses: MessageWriter<EnrolProgress>, _ call: ServerCall
    ) async throws(RPCError) {
        let id = request.userID
        let order = Order(
            command: "enrol",
            arguments: "user=\(id) finger=\(request.finger) duress=\(request.duress)")
        try check(location: request.target.location)
        if push.owns(request.target.device) {
            let command = PushOrder.enrol(userID: id, finger: request.finger)
            let receipt = try await pushed(command, request.target, order, call)
            return try await responses.write(EnrolProgress(stage: .finished, receipt: receipt))
        }
        let member = try find(request.target)
        let patience = max((call.remainingTime ?? .seconds(60)) - .seconds(2), .seconds(1))
        let news = ProgressLine<EnrolProgress>()
        let receipt = try await news.relay(to: responses) { () async throws(RPCError) in
            try await change(member, order, call) { client, contact, run in
                guard try await client.users().contains(where: { $0.userID == id }) else {
                    throw Self.noUser(id)
                }
                try run.willSend()
                news.tell(EnrolProgress(stage: .waiting, step: 1, steps: Self.enrolSteps))
                let result = try await client.enrol(
                    EnrolmentRequest(
                        userID: id, finger: UInt8(clamping: request.finger),
                        flag: request.duress ? 3 : 1),
                    timeout: patience, listeningTo: .attendance
                ) { news.tell(Self.progress($0)) }
                // Someone may have punched meanwhile; the log tells.
                contact.noteEvents()
                contact.forgetUsers()
                try Self.check(result.outcome, id)
            }.1
        }
        try await responses.write(
            EnrolProgress(
                stage: .finished, step: Self.enrolSteps, steps: Self.enrolSteps, good: true,
                receipt: receipt))
    }

    private static func progress(_ enrolment: Enrolment) -> EnrolProgress {
        let touches = UInt32(clamping: enrolment.touches)
        return EnrolProgress(
            stage: .seen, step: touches, steps: max(enrolSteps, touches),
            good: enrolment.badTouches == 0 || touches > 0)
    }

    private static func check(_ outcome: Enrolment.Outcome?, _ id: String) throws(RPCError) {
        let why =
            switch outcome {
            case .enrolled?: ""
            case nil: "nobody put a finger on the sensor in time"
            case .notRecognised?: "the finger was not recognised"
            case .duplicate?: "the finger is somebody's already"
            case .cancelled?: "it was cancelled at the terminal"
            case .failed(let result)?: "the terminal ended it with \(result)"
            }
        guard !why.isEmpty else { return }
        throw RPCError(
            .failedPrecondition, "no finger of \(id) was taken: \(why)", command: .refused)
    }
}
