import Testing
import Transport

@testable import ZKProtocol
@testable import zk_simulator

/// Users and templates, written by our client and kept by the simulator.
@Suite struct UserCommandTests {
    @Test(arguments: UserLayout.allCases)
    func `a user is written, read, changed and deleted`(layout: UserLayout) async throws {
        let device = try Device.made(users: 4, records: 0) { $0.userLayout = layout }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                var user = DeviceUser(
                    uid: 900, userID: "4711", name: "Zoë", privilege: 14, password: "56",
                    card: layout == .bytes120 ? 0 : 123_456, groupByte: 0)
                #expect(try await client.write(user) == layout)
                // The group is always written.
                user.groupByte = 1
                let read = try #require(try await client.users().last)
                #expect(read.userID == "4711")
                #expect(read.name == "Zoë")
                #expect(read.password == "56")
                #expect(read.card == user.card)
                #expect(read.isAdmin)
                var changed = read
                changed.name = "Ann"
                try await client.write(changed)
                #expect(try await client.users().last?.name == "Ann")
                try await client.clearAdmins()
                #expect(try await client.users().allSatisfy { !$0.isAdmin })
                try await client.deleteUser(uid: 900)
                #expect(try await client.users().count == 4)
                let error = await #expect(throws: ZKError.self) {
                    try await client.deleteUser(uid: 900)
                }
                #expect(error?.code == .refused)
            }
        }
    }

    @Test func `a user whose index needs 16 bits is deleted like any other`() async throws {
        try await withSimulator(Device.made(users: 4, records: 0)) { simulator, loop in
            try await withClient(simulator, loop) { client in
                for uid in [UInt16(32_767), 32_768, 65_534] {
                    try await client.write(DeviceUser(uid: uid, userID: "\(uid)"))
                    #expect(simulator.device.users.contains { $0.uid == uid })
                    try await client.deleteUser(uid: uid)
                    #expect(!simulator.device.users.contains { $0.uid == uid })
                }
            }
        }
    }

    @Test func `index and id of a user are two things`() async throws {
        var device = try Device.made(users: 0, records: 0)
        // The id of each is the index of the other.
        _ = device.write(DeviceUser(uid: 7, userID: "9", name: "Seven"))
        _ = device.write(DeviceUser(uid: 9, userID: "7", name: "Nine"))
        let made = device
        try await withSimulator(made) { simulator, loop in
            try await withClient(simulator, loop) { client in
                try await client.deleteUser(uid: 7)
                #expect(try await client.users().map(\.name) == ["Nine"])
                _ = simulator.punch("7", state: 0, verify: 1)
                let row = try #require(try await client.attendance().log.first)
                #expect(row.userID == "7")
                #expect(row.index == 9)
                #expect(row.identifier == "7")
            }
        }
    }

    @Test func `an id that the device has no room for is refused before it is sent`() async throws {
        let wide = try Device.made(users: 1, records: 0) { $0.userLayout = .bytes120 }
        let narrow = try Device.made(users: 1, records: 0) { $0.userLayout = .bytes28 }
        for (device, ids) in [
            (wide, ["", String(repeating: "1", count: 15)]),
            (narrow, ["", "a1", "007", "4294967296"]),
            (try Device.made(users: 1, records: 0), ["1234567890"]),
        ] {
            try await withSimulator(device) { simulator, loop in
                try await withClient(simulator, loop) { client in
                    for id in ids {
                        let error = await #expect(throws: ZKError.self) {
                            try await client.write(DeviceUser(uid: 5, userID: id))
                        }
                        #expect(error?.code == .unfit)
                    }
                    #expect(simulator.device.users.count == 1)
                }
            }
        }
    }

    @Test func `a refused user is offered in the other forms`() async throws {
        // A terminal whose users are of 28 bytes, and which has none to tell it by.
        let device = try Device.made(users: 0, records: 0) { $0.userLayout = .bytes28 }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                let user = DeviceUser(uid: 1, userID: "4711", name: "Ann")
                let taken = try await client.write(user)
                #expect(taken == .bytes28)
                #expect(simulator.device.user("4711")?.name == "Ann")
            }
            try await withClient(simulator, loop) { client in
                // Uid 0 is refused in any form.
                let error = await #expect(throws: ZKError.self) {
                    try await client.write(DeviceUser(uid: 0, userID: "4712"))
                }
                #expect(error?.code == .refused)
                #expect(error?.cause.contains("28 bytes") == true)
                #expect(error?.cause.contains("72 bytes") == true)
            }
        }
    }

    @Test func `a refused user with a last name is offered in no form that lacks it`() async throws
    {
        let device = try Device.made(users: 1, records: 0) { $0.userLayout = .bytes120 }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                var user = DeviceUser(uid: 0, userID: "4712", name: "Ned")
                for (lastName, isOffered) in [("", true), ("Flan", false)] {
                    user.lastName = lastName
                    let error = await #expect(throws: ZKError.self) {
                        try await client.write(user)
                    }
                    #expect(error?.code == .refused)
                    #expect(error?.cause.contains("120 bytes") == true)
                    #expect(error?.cause.contains("72 bytes") == isOffered)
                    #expect(error?.cause.contains("28 bytes") == isOffered)
                }
            }
        }
    }

    @Test func `firmware that wants the group is given it`() async throws {
        let device = try Device.made(users: 1, records: 0) { $0.refusesUsersWithoutGroup = true }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                try await client.write(DeviceUser(uid: 2, userID: "2", groupByte: 0))
                #expect(simulator.device.user("2")?.group == 1)
            }
        }
    }

    // MARK: - Templates

    @Test func `templates go from one terminal to another, and nothing prints them`() async throws {
        var source = try Device.made(users: 12, records: 0)
        for finger in UInt8(0)..<10 {
            let place = FingerPlace(uid: UInt16(finger + 1), finger: finger)
            _ = source.store(Device.inventTemplate(at: place, flag: finger == 3 ? 3 : 1))
        }
        let made = source
        #expect(made.templates.count == 10)
        let read = try await withSimulator(made) { simulator, loop in
            try await withClient(simulator, loop) { client in
                let place = FingerPlace(uid: 4, finger: 3)
                let one = try #require(try await client.template(at: place))
                #expect(one == made.memory.templates[place])
                #expect(try await client.template(at: FingerPlace(uid: 4, finger: 4)) == nil)
                return (try await client.users(), try await client.templates())
            }
        }
        #expect(read.1 == made.templates)
        var printed = ""
        dump(read.1, to: &printed)
        printed += "\(read.1) \(String(reflecting: read.1[0]))"
        #expect(printed.contains("finger 3 of #4, 512 bytes"))
        #expect(!printed.contains("\(read.1[0].bytes[8]), \(read.1[0].bytes[9])"))

        // To a second terminal as a whole, and to a third one by one.
        try await withSimulator(Device.made(users: 0, records: 0)) { simulator, loop in
            try await withClient(simulator, loop) { client in
                try await client.write(UserUpload(users: read.0, templates: read.1))
                #expect(simulator.device.users.map(\.userID) == made.users.map(\.userID))
                #expect(try await client.templates().map(\.bytes) == read.1.map(\.bytes))
            }
        }
        try await withSimulator(Device.made(users: 12, records: 0)) { simulator, loop in
            try await withClient(simulator, loop) { client in
                for template in read.1 { try await client.write(template) }
                // Once more: what is there is replaced.
                try await client.write(read.1[0])
                #expect(simulator.device.isEnabled)
                #expect(try await client.templates() == read.1)
                let place = FingerPlace(uid: 1, finger: 0)
                #expect(try await client.deleteTemplate(at: place))
                #expect(try await client.deleteTemplate(at: place) == false)
                #expect(try await client.templates() == Array(read.1.dropFirst()))
                #expect(try await client.deleteTemplate(of: "1002", finger: 1))
                #expect(try await client.deleteTemplate(of: "1002", finger: 1) == false)
                #expect(try await client.templates() == Array(read.1.dropFirst(2)))
                let stranger = FingerTemplate(uid: 99, finger: 0, bytes: [1])
                let error = await #expect(throws: ZKError.self) {
                    try await client.write(stranger)
                }
                #expect(error?.code == .refused)
                #expect(simulator.device.isEnabled)
            }
        }
    }

    @Test(arguments: [DeviceModel.BulkReads.refused(.error), .refused(.bulkRefused)])
    func `without bulk reads each finger is asked for, and users are refused with the cause`(
        reads: DeviceModel.BulkReads
    ) async throws {
        let device = try Device.made(users: 2, records: 5) { $0.bulkReads = reads }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                let error = await #expect(throws: ZKError.self) { try await client.users() }
                #expect(error?.code == .refused)
                #expect(error?.command == .prepareBuffer)
            }
        }
    }

    @Test func `a device that refuses only the list of templates is asked finger by finger`()
        async throws
    {
        var device = try Device.made(users: 3, records: 5)
        for uid in UInt16(1)...3 {
            let place = FingerPlace(uid: uid, finger: UInt8(uid))
            _ = device.store(Device.inventTemplate(at: place, flag: 1))
        }
        let made = device
        #expect(made.templates.count == 3)
        let honest = LockedState(made)
        let result = try await withScriptedDevice { packet in
            let isList =
                packet.command == .readTable
                || (packet.command == .prepareBuffer && packet.data[1] == 7)
            if isList {
                let refusal = Packet(.error, session: 1, reply: packet.reply)
                return [.packet(refusal)]
            }
            return honest.handle(packet).packets.map { .packet($0) }
        } _: { address, loop in
            try await withZKClient(to: address, commKey: nil, on: loop, options: .test) {
                try await $0.templates()
            }
        }
        #expect(result == made.templates)
    }
}
