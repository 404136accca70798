extension ZKClient {
    /// The group of a user.
    public func group(ofUser uid: UInt16) async throws(ZKError) -> UInt8 {
        guard let group = try await perform(.readUserGroup, number(uid)).first else {
            throw failure(.malformed, .readUserGroup, "the device does not say the group")
        }
        return group
    }

    /// Puts a user into a group.
    public func setGroup(_ group: UInt8, ofUser uid: UInt16) async throws(ZKError) {
        try await perform(.writeUserGroup, number(uid) + [group])
        try await refreshData()
    }

    /// The time zones of a user.
    public func access(ofUser uid: UInt16) async throws(ZKError) -> UserAccess {
        let data = try await perform(.readUserZones, number(uid))
        return try decoding(.readUserZones) { () throws(FormatError) in
            try UserAccess(decoding: data)
        }
    }

    /// Gives a user time zones.
    public func setAccess(_ access: UserAccess, ofUser uid: UInt16) async throws(ZKError) {
        try await perform(.writeUserZones, access.request(for: uid))
        try await refreshData()
    }

    /// The time zones of a group.
    public func access(ofGroup group: UInt8) async throws(ZKError) -> GroupAccess {
        let data = try await perform(.readGroupZones, GroupAccess.request(group))
        return try decoding(.readGroupZones) { () throws(FormatError) in
            try GroupAccess(decoding: data)
        }
    }

    /// Gives a group time zones and a verify style.
    public func setAccess(_ access: GroupAccess) async throws(ZKError) {
        try await perform(.writeGroupZones, access.encoded())
        try await refreshData()
    }

    /// When a time zone of the device is open.
    public func hours(ofZone index: UInt32) async throws(ZKError) -> AccessHours {
        var argument: [UInt8] = []
        argument.append(u32: index)
        let data = try await perform(.readHours, argument)
        return try decoding(.readHours) { () throws(FormatError) in
            try AccessHours(decoding: data)
        }
    }

    /// Says when a time zone of the device is open.
    public func setHours(_ hours: AccessHours) async throws(ZKError) {
        try await perform(.writeHours, hours.request())
        try await refreshData()
    }

    /// The groups that open the door together.
    public func combination(_ number: UInt8) async throws(ZKError) -> UnlockCombination {
        let data = try await perform(.readCombination, GroupAccess.request(number))
        return try decoding(.readCombination) { () throws(FormatError) in
            try UnlockCombination(decoding: data)
        }
    }

    /// Says which groups open the door together.
    public func setCombination(_ combination: UnlockCombination) async throws(ZKError) {
        try await perform(.writeCombination, combination.encoded())
        try await refreshData()
    }

    /// How a user must prove who they are.
    public func verifyStyle(ofUser uid: UInt16) async throws(ZKError) -> VerifyStyle {
        var argument: [UInt8] = []
        argument.append(u16: uid)
        let data = try await perform(.readStyle, argument)
        let answer = try decoding(.readStyle) { () throws(FormatError) in
            try VerifyStyle.decode(data)
        }
        guard answer.uid == uid else {
            throw failure(
                .malformed, .readStyle, "asked for #\(uid), the device answered #\(answer.uid)")
        }
        return answer.style
    }

    /// Says how a user must prove who they are.
    public func setVerifyStyle(_ style: VerifyStyle, ofUser uid: UInt16) async throws(ZKError) {
        try await perform(.writeStyle, style.encoded(for: uid))
        try await refreshData()
    }

    private func number(_ uid: UInt16) -> [UInt8] {
        var data: [UInt8] = []
        data.append(u32: UInt32(uid))
        return data
    }
}
