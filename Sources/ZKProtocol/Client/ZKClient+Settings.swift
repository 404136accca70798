/// What a client has learnt of its device.
struct Learnt: Sendable {
    /// The layout of user records, once a user was read or written.
    var userLayout: UserLayout?
    /// How many bytes a user id may have.
    var pinWidth: Int?
    /// The encoding that the names seem to have, where they are not in the one of the options.
    var encoding: TextEncoding?
    /// Whether the device waits for a finger, and must be told when nobody will come.
    var isCapturing = false
}

extension ZKClient {
    /// Changes a setting, and lets the device read its settings again.
    ///
    /// Some take effect only after a restart.
    public func setOption(_ name: String, _ value: String) async throws(ZKError) {
        let isSound =
            !name.isEmpty && !name.contains("=") && name.utf8.count <= 64
            && value.utf8.count <= 256 && !(name + value).utf8.contains { $0 < 0x20 }
        guard isSound else {
            throw failure(
                .unfit, .writeOption,
                "an option has a name of 1 to 64 bytes without `=`, a value of at most 256, and "
                    + "no control characters")
        }
        try check(value, "the value of \(name)", for: .writeOption)
        let option = DeviceOption(name: name, value: value)
        try await perform(.writeOption, option.request(encoding))
        try await perform(.refreshOption)
    }

    /// How many bytes a user id may have on this device.
    ///
    /// The setting `~PIN2Width` says it on most firmware and command 69 on the rest.
    public func pinWidth() async throws(ZKError) -> Int {
        if let known = learnt.pinWidth { return known }
        var width = try await option("~PIN2Width").flatMap { Int($0) }
        if width == nil {
            width = try await perform(.pinWidth, [0x20, 0x50]).first.map { Int($0) }
        }
        guard let width, 1...24 ~= width else {
            throw failure(
                .malformed, .pinWidth,
                "the device says that ids have \(width.map { "\($0)" } ?? "no number of") digits")
        }
        learnt.pinWidth = width
        return width
    }

    /// What the device is busy with.
    public func state() async throws(ZKError) -> DeviceState {
        let answer = try await request(.state)
        guard answer.command == .ok else { throw refusal(answer, of: .state) }
        // The state stands in the place of the session.
        return DeviceState(rawValue: answer.session)
    }

    /// Whether the door's sensor says that it is open.
    public func isDoorOpen() async throws(ZKError) -> Bool {
        guard let flag = try await perform(.doorState).first else {
            throw failure(.malformed, .doorState, "the device does not say how the door is")
        }
        return flag == 1
    }

    /// Lets the device read its data again, so that what was written is used.
    public func refreshData() async throws(ZKError) { try await perform(.refreshData) }
}
