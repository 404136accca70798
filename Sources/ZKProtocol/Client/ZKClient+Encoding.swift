extension ZKClient {
    /// How names are encoded: as the options say, or as was guessed.
    public var encoding: TextEncoding { learnt.encoding ?? options.encoding }

    /// The users with their names in the code page of the device's language, where the names are
    /// damaged otherwise and the code page has all of them.
    func withGuessedNames(_ users: [DeviceUser]) async throws(ZKError) -> [DeviceUser] {
        guard options.guessesEncoding else { return users }
        let isDamaged = users.contains { DeviceText.isDamaged($0.name + $0.lastName) }
        if learnt.encoding == nil, isDamaged {
            guard let language = try await option("Language"),
                let name = TextEncoding.name(forLanguage: language),
                let guess = TextEncoding.named(name)
            else { return users }
            let isSound = users.allSatisfy { user in
                let names = again(user.name, guess) + again(user.lastName, guess)
                return !DeviceText.isDamaged(names)
            }
            guard isSound else { return users }
            learnt.encoding = guess
        }
        guard let guess = learnt.encoding else { return users }
        return users.map { user in
            var user = user
            user.name = again(user.name, guess)
            user.lastName = again(user.lastName, guess)
            return user
        }
    }

    /// Refuses a text with characters that the encoding lacks: the device would be sent `?`.
    func check(_ text: String, _ what: String, for command: Command) throws(ZKError) {
        guard DeviceText.canEncode(text, encoding) else {
            throw failure(
                .unfit, command, "\(what) has characters that \(encoding.name) lacks")
        }
    }

    /// The same bytes in another encoding.
    private func again(_ text: String, _ encoding: TextEncoding) -> String {
        DeviceText.decode(DeviceText.encode(text, limit: .max, options.encoding), encoding)
    }
}
