/// What the number of an unlock request counts.
public enum UnlockUnit: Sendable {
    /// As the vendor's manual says.
    case seconds
    /// As clients in use send it, and some firmware takes it.
    case tenths
}

extension ZKClient {
    /// Opens the door for some seconds.
    public func unlock(seconds: UInt16, unit: UnlockUnit = .seconds) async throws(ZKError) {
        var data: [UInt8] = []
        data.append(u32: UInt32(seconds) * (unit == .tenths ? 10 : 1))
        try await perform(.unlock, data)
    }

    /// Lets the device say one of its texts.
    public func playVoice(_ index: UInt32) async throws(ZKError) {
        var data: [UInt8] = []
        data.append(u32: index)
        try await perform(.testVoice, data)
    }

    /// Writes on the display; cut at a character's end where it exceeds 64 bytes.
    public func writeLCD(line: Int16, _ text: String) async throws(ZKError) {
        try check(text, "the text", for: .writeLCD)
        var data: [UInt8] = []
        data.append(u16: UInt16(bitPattern: line))
        data += [0, 0x20]
        data += DeviceText.encode(text, limit: 64, encoding)
        try await perform(.writeLCD, data)
    }

    /// Gives the display back to the device.
    public func clearLCD() async throws(ZKError) { try await perform(.clearLCD) }

    /// Shows or hides the colon of the clock.
    public func showClockColon(_ isShown: Bool) async throws(ZKError) {
        try await perform(.enableClock, [isShown ? 1 : 0])
    }

    /// Restarts the device; this connection is of no use afterwards.
    ///
    /// Much firmware restarts without an answer: silence and a closed connection are success.
    public func restart() async throws(ZKError) { try await end(by: .restart) }

    /// Switches the device off; nothing can switch it on again from afar.
    public func powerOff() async throws(ZKError) { try await end(by: .powerOff) }

    private func end(by command: Command) async throws(ZKError) {
        let reply = try await send(command, [])
        do throws(ZKError) {
            let answer = try await answer(to: reply, command)
            guard answer.command == .ok else { throw refusal(answer, of: command) }
        } catch {
            guard error.code == .closed || error.code == .timedOut else { throw error }
        }
    }
}
