import Testing
import Transport

@testable import ZKProtocol
@testable import zk_simulator

/// Texts in the code pages of firmware: read and written the same, and nothing lost.
@Suite struct EncodingTests {
    /// Texts with the bytes that a table published by the code page's owner gives them.
    static let samples: [(String, String, [UInt8])] = [
        ("gbk", "张伟", [0xD5, 0xC5, 0xCE, 0xB0]),
        ("gbk", "王A芳", [0xCD, 0xF5, 0x41, 0xB7, 0xBC]),
        ("windows-1250", "Łukasz", [0xA3, 0x75, 0x6B, 0x61, 0x73, 0x7A]),
        ("windows-1251", "Иван", [0xC8, 0xE2, 0xE0, 0xED]),
        ("windows-1252", "José", [0x4A, 0x6F, 0x73, 0xE9]),
        ("windows-1253", "Νίκος", [0xCD, 0xDF, 0xEA, 0xEF, 0xF2]),
        ("windows-1254", "Şükrü", [0xDE, 0xFC, 0x6B, 0x72, 0xFC]),
        ("windows-1255", "דוד", [0xE3, 0xE5, 0xE3]),
        ("windows-1256", "محمد", [0xE3, 0xCD, 0xE3, 0xCF]),
        ("windows-1257", "Jānis", [0x4A, 0xE2, 0x6E, 0x69, 0x73]),
        ("windows-1258", "Đức", [0xD0, 0xFD, 0xEC, 0x63]),
        ("utf-8", "Zoë", [0x5A, 0x6F, 0xC3, 0xAB]),
    ]

    @Test(arguments: samples)
    func `a name is read and written in the device's encoding`(
        name: String, text: String, bytes: [UInt8]
    ) throws {
        let encoding = try #require(TextEncoding.named(name))
        let read = DeviceText.decode(bytes, encoding)
        // As characters: the Vietnamese page has letters and accents apart.
        #expect(read == text)
        #expect(!DeviceText.isDamaged(read))
        #expect(DeviceText.encode(read, limit: 24, encoding) == bytes)
        // However the letters are typed.
        #expect(DeviceText.encode(text, limit: 24, encoding) == bytes)
        #expect(DeviceText.canEncode(text, encoding))
    }

    @Test(arguments: TextEncoding.names)
    func `every three bytes survive in every encoding`(name: String) throws {
        let encoding = try #require(TextEncoding.named(name))
        var lost = 0
        // Every pair, and a third byte that changes with it.
        for first in UInt8(1)...255 {
            for second in UInt8(1)...255 {
                let third = UInt8(truncatingIfNeeded: Int(first) &* 7 &+ Int(second)) | 1
                let bytes = [first, second, third]
                let text = DeviceText.decode(bytes, encoding)
                if DeviceText.encode(text, limit: 24, encoding) != bytes { lost += 1 }
            }
        }
        #expect(lost == 0)
    }

    @Test func `damaged text is kept, marked, and written as it was`() throws {
        // A name that other software cut inside of a character.
        let cut: [UInt8] = Array("Zoë José".utf8.dropLast())
        let text = DeviceText.decode(cut)
        #expect(text.hasPrefix("Zoë Jos"))
        #expect(DeviceText.isDamaged(text))
        #expect(DeviceText.encode(text, limit: 24) == cut)
        #expect(!DeviceText.isDamaged("Zoë José"))
        let arabic = try #require(TextEncoding.named("windows-1256"))
        let gbk = try #require(TextEncoding.named("gbk"))
        // The first byte of a pair at the end.
        let broken: [UInt8] = [0xD5, 0xC5, 0xCE]
        #expect(DeviceText.isDamaged(DeviceText.decode(broken, gbk)))
        #expect(DeviceText.encode(DeviceText.decode(broken, gbk), limit: 24, gbk) == broken)
        #expect(!DeviceText.canEncode("张", arabic))
        #expect(DeviceText.encode("张", limit: 24, arabic) == [0x3F])
    }

    @Test func `a text is cut at a character's end in every encoding`() throws {
        let gbk = try #require(TextEncoding.named("gbk"))
        #expect(DeviceText.encode("张伟", limit: 3, gbk) == [0xD5, 0xC5])
        let user = DeviceUser(uid: 1, userID: "1", name: String(repeating: "伟", count: 30))
        let record = try #require(user.encoded(.bytes72, gbk))
        #expect(try DeviceUser(decoding: record, gbk).name == String(repeating: "伟", count: 12))
    }

    @Test func `an unknown encoding is none`() {
        for name in ["", "latin1", "windows-1259", "gbk ", "utf-16"] {
            #expect(TextEncoding.named(name) == nil)
        }
        for language in TextEncoding.names {
            #expect(TextEncoding.name(forLanguage: language) == nil)
        }
        #expect(TextEncoding.name(forLanguage: "66") == "windows-1256")
        #expect(TextEncoding.name(forLanguage: "83") == "gbk")
    }

    @Test(arguments: ["gbk", "windows-1256", "utf-8"])
    func `names and ids go both ways in the encoding that is configured`(name: String)
        async throws
    {
        let encoding = try #require(TextEncoding.named(name))
        let names = ["gbk": "张伟", "windows-1256": "محمد", "utf-8": "Zoë"]
        let wanted = try #require(names[name])
        var device = try Device.made(users: 0, records: 0) { $0.encoding = encoding }
        _ = device.write(DeviceUser(uid: 1, userID: "1", name: wanted))
        let made = device
        try await withSimulator(made) { simulator, loop in
            var options = ZKClient.Options.test
            options.encoding = encoding
            try await withZKClient(
                to: simulator.address, commKey: nil, on: loop, options: options
            ) { client in
                let read = try await client.users()
                #expect(read.map(\.name) == [wanted])
                try await client.write(DeviceUser(uid: 2, userID: "2", name: wanted + " 2"))
                #expect(simulator.device.user("2")?.name == wanted + " 2")
                let foreign = name == "utf-8" ? nil : "Ж張"
                guard let foreign else { return }
                let error = await #expect(throws: ZKError.self) {
                    try await client.write(DeviceUser(uid: 3, userID: "3", name: foreign + "ł"))
                }
                #expect(error?.code == .unfit)
                #expect(error?.cause.contains(name) == true)
                let upload = await #expect(throws: ZKError.self) {
                    let user = DeviceUser(uid: 3, userID: "3", name: foreign + "ł")
                    try await client.write(UserUpload(users: [user], templates: []))
                }
                #expect(upload?.code == .unfit)
                #expect(simulator.device.user("3") == nil)
                let display = await #expect(throws: ZKError.self) {
                    try await client.writeLCD(line: 1, foreign + "ł")
                }
                #expect(display?.code == .unfit)
                #expect(simulator.device.memory.display.isEmpty)
                let enrolment = await #expect(throws: ZKError.self) {
                    let request = EnrolmentRequest(userID: foreign + "ł", finger: 1)
                    _ = try await client.enrol(request, timeout: .seconds(5))
                }
                #expect(enrolment?.code == .unfit)
                #expect(enrolment?.cause.contains(name) == true)
            }
            // The wrong encoding loses nothing.
            try await withClient(simulator, loop) { client in
                let users = try await client.users()
                try await client.write(users[0])
                #expect(simulator.device.user("1")?.name == wanted)
                #expect(DeviceText.isDamaged(users[0].name) == (name != "utf-8"))
            }
        }
    }

    @Test(arguments: [(66, "windows-1256"), (83, "gbk"), (69, "utf-8")])
    func `names that are not UTF-8 are read in the code page of the language, and ids never are`(
        language: Int, guess: String
    ) async throws {
        let arabic = try #require(TextEncoding.named("windows-1256"))
        var device = try Device.made(users: 2, records: 0) {
            $0.encoding = arabic
            $0.language = language
        }
        _ = device.write(DeviceUser(uid: 9, userID: "م9", name: "محمد"))
        let made = device
        try await withSimulator(made) { simulator, loop in
            var options = ZKClient.Options.test
            options.guessesEncoding = true
            try await withZKClient(
                to: simulator.address, commKey: nil, on: loop, options: options
            ) { client in
                let user = try #require(try await client.users().last)
                #expect((user.name == "محمد") == (language == 66))
                #expect(DeviceText.isDamaged(user.name) == (guess == "utf-8"))
                #expect(user.userID == "\u{F7E3}9")
                #expect(client.encoding.name == guess)
                // What was read can be written, whatever was guessed.
                try await client.write(user)
                #expect(simulator.device.user("م9")?.name == "محمد")
            }
        }
    }
}
