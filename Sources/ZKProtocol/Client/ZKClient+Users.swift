extension ZKClient {
    /// Writes a user: a new one, or over the one with the same index.
    ///
    /// The id is checked against the width that the device has before anything is sent: some
    /// firmware takes a longer one and never gives it back. A device that refuses the record is
    /// given it in the other forms that are known, and the error names those that were tried.
    /// Returns the form that the device took.
    @discardableResult
    public func write(_ user: DeviceUser, as layout: UserLayout? = nil) async throws(ZKError)
        -> UserLayout
    {
        var user = user
        // Some firmware refuses a user without a group.
        if user.group == 0 { user.groupByte = 1 }
        let forms = try await forms(of: user, layout)
        var refusals: [String] = []
        for form in forms {
            do throws(ZKError) {
                try await perform(.writeUser, form.record)
                try await refreshData()
                learnt.userLayout = form.layout
                return form.layout
            } catch {
                guard error.code == .refused else { throw error }
                refusals.append("\(form.name): \(error.cause)")
            }
        }
        throw failure(
            .refused, .writeUser,
            "the device took \(user.userID) in no form: " + refusals.joined(separator: "; "))
    }

    /// Deletes the user with this index, and the templates.
    public func deleteUser(uid: UInt16) async throws(ZKError) {
        var data: [UInt8] = []
        data.append(u16: uid)
        try await perform(.deleteUser, data)
        try await refreshData()
    }

    /// Makes all administrators ordinary users.
    public func clearAdmins() async throws(ZKError) {
        try await perform(.clearAdmin)
        try await refreshData()
    }

    /// The layout of this device's user records.
    ///
    /// What its users have, or without any, what its platform usually has.
    public func userLayout() async throws(ZKError) -> UserLayout {
        if let known = learnt.userLayout { return known }
        _ = try await users()
        if let known = learnt.userLayout { return known }
        let platform = try await option("~Platform") ?? ""
        // Colour displays say so.
        return platform.contains("TFT") ? .bytes72 : .bytes28
    }

    /// Refuses a user whose id or texts the device would not give back as they are.
    func check(
        _ user: DeviceUser, as layout: UserLayout, for command: Command
    ) async throws(ZKError) {
        let width = try await pinWidth()
        let isShort = layout == .bytes28
        guard DeviceUser.fits(user.userID, layout, width: isShort ? 10 : width, encoding) else {
            throw failure(
                .unfit, command,
                isShort
                    ? "the id \(user.userID) is no number as \(layout.stride)-byte users have it"
                    : "the id \(user.userID) exceeds the \(width) characters of ~PIN2Width")
        }
        for text in [user.name, user.lastName, user.password, user.userID] {
            try check(text, "user \(user.userID)", for: command)
        }
    }

    /// A record in one of the forms that firmware takes.
    private struct Form {
        var name: String
        var layout: UserLayout
        var record: [UInt8]
    }

    private func forms(of user: DeviceUser, _ wanted: UserLayout?) async throws(ZKError) -> [Form] {
        let own: UserLayout
        if let wanted { own = wanted } else { own = try await userLayout() }
        try await check(user, as: own, for: .writeUser)
        let encoding = self.encoding
        var forms: [Form] = []
        func add(_ name: String, _ user: DeviceUser, _ layout: UserLayout) {
            // Only the longest form has a last name.
            guard layout == own || user.lastName.isEmpty,
                DeviceUser.fits(user.userID, layout, width: nil, encoding),
                let record = user.encoded(layout, encoding)
            else { return }
            forms.append(Form(name: name, layout: layout, record: record))
        }
        add("\(own.stride) bytes", user, own)
        if own != .bytes28 {
            // Other software writes the group's digit where the time zones are.
            var other = user
            other.groupByte = 0
            other.access = UInt64(48 + min(9, user.group))
            add("72 bytes with the group as a text", other, .bytes72)
        }
        // A record with fewer bytes has no room for a long name: only where nothing is lost.
        let short = user.encoded(.bytes28, encoding).flatMap {
            try? DeviceUser(decoding: $0, encoding)
        }
        if own != .bytes28, short?.name == user.name, short?.password == user.password {
            add("28 bytes", user, .bytes28)
        }
        if own == .bytes28 { add("72 bytes", user, .bytes72) }
        return forms
    }
}
