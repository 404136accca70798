import ZKProtocol

/// The people who use a device, and what they punched in the past: all of it follows from a seed.
struct Population {
    let seed: UInt64
    let users: [DeviceUser]
    private let habits: [Habit]

    /// How one person works.
    private struct Habit {
        var startMinute: Int
        var workMinutes: Int
        /// Usually before the shift begins, in seconds; negative for people who come late.
        var earlySeconds: Int
        var punchesLunch: Bool
        /// Whether the person presses the key for the direction; else all punches are check-ins.
        var pressesKey: Bool
        var worksWeekends: Bool
        var verify: UInt8
    }

    static let usersMax = 60_000

    init(seed: UInt64, users count: Int) {
        precondition(0...Population.usersMax ~= count, "at most \(Population.usersMax) users")
        self.seed = seed
        var generator = SeededGenerator(seed: seed, part: 1)
        var users: [DeviceUser] = []
        var habits: [Habit] = []
        for number in 0..<count {
            let name = "\(generator.pick(givenNames)) \(generator.pick(familyNames))"
            let hasCard = generator.chance(30)
            let card = UInt32(truncatingIfNeeded: generator.next() & 0xFF_FFFF)
            users.append(
                DeviceUser(
                    uid: UInt16(number + 1), userID: "\(1001 + number)", name: name,
                    privilege: number == 0 ? 14 : 0, password: number == 0 ? "1234" : "",
                    card: hasCard ? card : 0))
            habits.append(Population.habit(&generator, hasCard: hasCard))
        }
        self.users = users
        self.habits = habits
    }

    private static func habit(_ generator: inout SeededGenerator, hasCard: Bool) -> Habit {
        let shift = generator.below(100)
        let startMinute =
            switch shift {
            case ..<20: 7 * 60
            case ..<55: 8 * 60
            case ..<85: 9 * 60
            case ..<92: 14 * 60
            default: 22 * 60
            }
        return Habit(
            startMinute: startMinute, workMinutes: generator.chance(25) ? 540 : 480,
            earlySeconds: 240 + generator.around(300), punchesLunch: generator.chance(20),
            pressesKey: generator.chance(75), worksWeekends: generator.chance(8),
            verify: generator.pick(hasCard ? [4, 4, 1] : [1, 1, 15, 15, 25]))
    }

    /// What everybody punched in the shifts that began on a day, counted from 1970; unordered.
    func punches(onDay day: Int) -> [AttendanceRecord] {
        var generator = SeededGenerator(seed: seed, part: UInt64(2 + max(0, day)))
        // 1970-01-01 was a Thursday.
        let isWeekend = (day + 3) % 7 >= 5
        var records: [AttendanceRecord] = []
        for (user, habit) in zip(users, habits) {
            // Each person takes the same share of numbers, whatever they do with them.
            var own = SeededGenerator(seed: generator.next())
            if isWeekend, !habit.worksWeekends { continue }
            if own.chance(4) { continue }
            let midnight = day * 86_400
            var start = midnight + habit.startMinute * 60 - habit.earlySeconds + own.around(240)
            if own.chance(9) { start += 300 + own.below(3000) }
            let end =
                midnight + (habit.startMinute + habit.workMinutes) * 60 + own.below(900)
                + (own.chance(10) ? own.below(7200) : 0)
            var stamps = [(start, UInt8(0))]
            if habit.punchesLunch {
                let lunch = start + 4 * 3600 + own.around(600)
                stamps.append((lunch, 2))
                stamps.append((lunch + 1500 + own.below(900), 3))
            }
            stamps.append((end, 1))
            for (seconds, state) in stamps {
                if own.chance(2) { continue }
                let state = habit.pressesKey ? state : 0
                append(user, seconds, state, habit.verify, to: &records)
                // Some are not sure that the device has taken it.
                if own.chance(1) {
                    append(user, seconds + 3 + own.below(15), state, habit.verify, to: &records)
                }
            }
        }
        return records
    }

    private func append(
        _ user: DeviceUser, _ seconds: Int, _ state: UInt8, _ verify: UInt8,
        to records: inout [AttendanceRecord]
    ) {
        guard let time = LocalTime(secondsSince1970: Int64(seconds)) else { return }
        records.append(
            AttendanceRecord(
                index: user.uid, userID: user.userID, time: time, state: state, verify: verify))
    }

    /// The log of `days` days up to and including `lastDay`, in order.
    func log(days: Int, lastDay: Int) -> [AttendanceRecord] {
        var records: [AttendanceRecord] = []
        for day in max(0, lastDay - days + 1)..<lastDay + 1 { records += punches(onDay: day) }
        return Population.ordered(records)
    }

    /// The last `count` records up to `lastDay`; nil where the years since 2001 do not yield them.
    func log(records count: Int, lastDay: Int) -> [AttendanceRecord]? {
        var records: [AttendanceRecord] = []
        var day = lastDay
        while records.count < count {
            guard day >= 11_323 else { return nil }
            records += punches(onDay: day)
            day -= 1
        }
        return Population.ordered(records).suffix(count)
    }

    private static func ordered(_ records: [AttendanceRecord]) -> [AttendanceRecord] {
        records.sorted { ($0.time.packed, $0.index) < ($1.time.packed, $1.index) }
    }
}

private let givenNames = [
    "Ahmed", "Aisha", "Ana", "Andrés", "Bilal", "Carmen", "Chidi", "Claire", "Daniel", "Elif",
    "Emma", "Fatima", "Grace", "Hana", "Hugo", "Ibrahim", "Inés", "Ivan", "James", "José",
    "Julia", "Karim", "Khadija", "Lars", "Layla", "Lucía", "Mariam", "Mateo", "Mina", "Mohamed",
    "Nadia", "Noah", "Olga", "Omar", "Paul", "Priya", "Ravi", "Salma", "Sofía", "Tariq", "Thérèse",
    "Uma", "Viktor", "Wei", "Yasmin", "Youssef", "Zainab", "Zoë",
]

private let familyNames = [
    "Abdallah", "Adeyemi", "Álvarez", "Becker", "Benali", "Chen", "Costa", "Demir", "Diallo",
    "Dubois", "El-Sayed", "Fischer", "García", "Haddad", "Hassan", "Ivanova", "Jensen", "Kamau",
    "Kaya", "Khan", "Kowalski", "Lefèvre", "López", "Mansour", "Mbeki", "Meyer", "Mwangi",
    "Nasser", "Nguyen", "Novak", "Okafor", "Osman", "Patel", "Pérez", "Petrov", "Rahman", "Rossi",
    "Saleh", "Santos", "Sharma", "Silva", "Smith", "Tanaka", "Yılmaz", "Zhang",
]
