import TestSupport

/// A random schema over the whole language, which mutations can change.
struct LockSample {
    struct Field {
        enum Form: Equatable {
            case plain, optional, list
            case map(key: String)
            case choice(String)
        }

        var name: String
        var number: Int
        /// A scalar, or the name of a message or enum.
        var type: String
        var form: Form
        var min: Int?
        var max: Int?
        var range: ClosedRange<Int>?
        /// Of the elements of a list or map, and of its keys.
        var count: Int?
        var keyMax: Int?
        var options: [String] = []

        var isRepeated: Bool {
            switch form {
            case .list, .map: true
            case .plain, .optional, .choice: false
            }
        }
    }

    struct Message {
        var name: String
        /// The message that it is declared in.
        var outer: String?
        var fields: [Field]
        var reserved: [String]

        var path: String { (outer.map { $0 + "." } ?? "") + name }
    }

    struct Enum {
        var name: String
        var values: [(name: String, number: Int)]
        var reserved: [String]
    }

    struct Method {
        var name: String
        var request: String
        var response: String
        var streams: (request: Bool, response: Bool)
        var deadline: String
        var roles: [String]
        var rest: [String]
    }

    var package = "sample.v1"
    var messages: [Message] = []
    var enums: [Enum] = []
    var methods: [Method] = []
}

// MARK: - Text

extension LockSample {
    var text: String {
        var lines = ["package \(package)"]
        for item in enums {
            lines.append("enum \(item.name) {")
            lines += item.values.map { "\($0.name) = \($0.number)" }
            lines += item.reserved.map { "reserved \($0)" } + ["}"]
        }
        for message in messages where message.outer == nil { lines += self.lines(message) }
        lines.append("service Calls {")
        for method in methods {
            let request = (method.streams.request ? "stream " : "") + method.request
            let response = (method.streams.response ? "stream " : "") + method.response
            let annotations =
                ["deadline \(method.deadline)"] + method.rest
                + ["role " + method.roles.joined(separator: ", ")]
            lines.append(
                "\(method.name)(\(request)) -> \(response) { "
                    + annotations.joined(separator: ", ") + " }")
        }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    private func lines(_ message: Message) -> [String] {
        var lines = ["message \(message.name) {"]
        for inner in messages where inner.outer == message.name { lines += self.lines(inner) }
        var written: Set<String> = []
        for field in message.fields {
            guard case .choice(let oneof) = field.form else {
                lines.append(field.text)
                continue
            }
            guard written.insert(oneof).inserted else { continue }
            lines.append("oneof \(oneof) {")
            lines += message.fields.filter { $0.form == field.form }.map(\.text) + ["}"]
        }
        return lines + message.reserved.map { "reserved \($0)" } + ["}"]
    }
}

extension LockSample.Field {
    var text: String {
        let limits = [
            min.map { "min \($0)" }, max.map { "max \($0)" },
            range.map { "range \($0.lowerBound)...\($0.upperBound)" },
        ].compactMap(\.self)
        let all = (isRepeated ? [count.map { "max \($0)" }].compactMap(\.self) : limits) + options
        let inner = isRepeated && !limits.isEmpty ? " (\(limits.joined(separator: ", ")))" : ""
        let outer = all.isEmpty ? "" : " (\(all.joined(separator: ", ")))"
        let keys = keyMax.map { " (max \($0))" } ?? ""
        let form =
            switch form {
            case .plain, .choice: type
            case .optional: "\(type)?"
            case .list: "list<\(type)\(inner)>"
            case .map(let key): "map<\(key)\(keys), \(type)\(inner)>"
            }
        return "\(name): \(form) = \(number)\(outer)"
    }
}

// MARK: - Making

extension LockSample {
    static let scalars = [
        "bool", "int32", "int64", "uint32", "uint64", "float", "double", "string", "bytes",
        "timestamp", "duration", "uuid",
    ]
    static let keys = ["bool", "int32", "int64", "uint32", "uint64", "string"]

    init(_ random: inout SplitMix) {
        for index in 0..<Int.random(in: 1...3, using: &random) {
            let values = (0..<Int.random(in: 1...4, using: &random)).map {
                (name: "v\(index)x\($0)", number: $0 * (index == 1 ? -3 : 1))
            }
            enums.append(Enum(name: "E\(index)", values: values, reserved: ["90...99", "\"old\""]))
        }
        let count = Int.random(in: 2...4, using: &random)
        for index in 0..<count {
            let isInner = index > 0 && Bool.random(using: &random)
            messages.append(
                Message(
                    name: "M\(index)", outer: isInner ? "M0" : nil, fields: [],
                    reserved: ["900, 902...905", "\"gone\""]))
        }
        for index in messages.indices {
            for number in 1...Int.random(in: 2...7, using: &random) {
                let field = field(in: index, number: number * (index + 1), &random)
                messages[index].fields.append(field)
            }
        }
        for index in 0..<2 { methods.append(method("call\(index)", &random)) }
    }

    /// What a field of the message can hold: only lists and maps lead to earlier ones.
    func types(in index: Int, isRepeated: Bool) -> [String] {
        Self.scalars + enums.map(\.name)
            + messages.enumerated().filter { isRepeated || $0.offset > index }
            .map { $0.element.path }
    }

    func field(in index: Int, number: Int, _ random: inout SplitMix) -> Field {
        let forms: [Field.Form] = [
            .plain, .plain, .optional, .list, .map(key: Self.keys.random(&random)),
            .choice("one"), .choice("other"),
        ]
        var field = Field(
            name: "f\(number)", number: number, type: "bool", form: forms.random(&random))
        field.type = types(in: index, isRepeated: field.isRepeated).random(&random)
        setLimits(&field, &random)
        return field
    }

    /// Limits that go with the type and the form.
    func setLimits(_ field: inout Field, _ random: inout SplitMix) {
        (field.min, field.max, field.range, field.count, field.keyMax) = (nil, nil, nil, nil, nil)
        if ["string", "bytes"].contains(field.type) {
            field.max = Int.random(in: 4...20, using: &random)
            if field.form != .plain { field.min = Int.random(in: 1...3, using: &random) }
        }
        if ["int32", "int64", "uint32", "uint64", "float", "double"].contains(field.type),
            Bool.random(using: &random)
        {
            field.range = 0...Int.random(in: 5...50, using: &random)
        }
        if field.isRepeated { field.count = Int.random(in: 3...8, using: &random) }
        if field.form == .map(key: "string") {
            field.keyMax = Int.random(in: 4...9, using: &random)
        }
    }

    func method(_ name: String, _ random: inout SplitMix) -> Method {
        Method(
            name: name, request: messages.random(&random).path,
            response: messages.random(&random).path,
            streams: (Bool.random(using: &random), Bool.random(using: &random)),
            deadline: ["1s", "5s", "90s"].random(&random), roles: ["ctl", "gateway"],
            rest: [[], ["safe"], ["idempotent"]].random(&random))
    }
}

extension Array {
    /// One of them; there is one.
    func random(_ random: inout SplitMix) -> Element {
        self[Int.random(in: indices, using: &random)]
    }
}
