/// What a terminal says of a command that it was given.
struct CommandOutcome: Hashable, Sendable {
    var id: String
    /// 0 and above: done, and for queries how many; nil where it was not said.
    var code: Int64?
    /// The first word or words of the command.
    var command = ""
    /// What else it said, as `name=value`; cut off where it is long.
    var details: [String] = []

    static let outcomesMax = 1000
    static let detailsMax = 256
    static let detailBytes = 256

    init(id: String) { self.id = id }

    /// The value of a detail, whose name is given in lower case.
    func detail(_ name: String) -> String? {
        for detail in details {
            guard let equals = detail.firstIndex(of: "=") else { continue }
            if detail[..<equals].lowercased() == name {
                return String(detail[detail.index(after: equals)...])
            }
        }
        return nil
    }

    /// The outcomes in a body, in order: each begins at an `ID=`, and its parts are separated by
    /// `&` or line ends.
    ///
    /// What comes before the first one is left out, and so are more than ``outcomesMax``.
    static func all(in body: [UInt8]) -> [CommandOutcome] {
        var found: [CommandOutcome] = []
        for part in body.split(whereSeparator: { $0 == 0x26 || $0 == 10 || $0 == 13 }) {
            guard let equals = part.firstIndex(of: 0x3D) else { continue }
            let name = PushText.lowercased(part[..<equals].prefix(64))
            let value = part[(equals + 1)...]
            if name == "id" {
                guard found.count < outcomesMax else { return found }
                found.append(CommandOutcome(id: PushText.shown(value, max: 32)))
                continue
            }
            guard var last = found.popLast() else { continue }
            switch name {
            case "return" where last.code == nil: last.code = PushText.number(value)
            case "cmd" where last.command.isEmpty: last.command = PushText.shown(value, max: 64)
            default:
                if last.details.count < detailsMax {
                    last.details.append(PushText.shown(part, max: detailBytes))
                }
            }
            found.append(last)
        }
        return found
    }
}
