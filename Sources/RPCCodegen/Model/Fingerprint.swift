/// FNV-1a, which is short enough to be written again in any language.
enum FNV1a {
    static func hash32(_ text: String) -> UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash
    }

    static func hash64(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }
}

extension Compilation {
    /// What the wire form of a service depends on, as text: `docs/IDL.md`, part 9.
    func canonicalText(_ service: ServiceModel) -> String {
        canonicalText(service, service.methods)
    }

    /// The same for one method alone: the text of a service that has no other.
    func canonicalText(_ method: MethodModel, of service: ServiceModel) -> String {
        canonicalText(service, [method])
    }

    private func canonicalText(_ service: ServiceModel, _ methods: [MethodModel]) -> String {
        var lines = ["service \(service.name)"]
        for method in methods.sorted(by: { $0.name < $1.name }) {
            lines.append(
                "\(method.name) \(method.requestPrefix)\(method.request) -> "
                    + "\(method.responsePrefix)\(method.response)")
        }
        for name in reachable(from: methods).sorted(by: { $0.description < $1.description }) {
            if let message = message(name) {
                lines.append("message \(name)")
                lines += message.fieldsByNumber.map(Self.canonicalText)
            } else if let enumeration = enumeration(name) {
                lines.append("enum \(name)")
                lines += enumeration.values.sorted { $0.number < $1.number }
                    .map { "\($0.number) \($0.name)" }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func canonicalText(_ field: FieldModel) -> String {
        let type =
            switch field.type {
            case .scalar(let scalar): scalar.rawValue
            case .message(let name), .enumeration(let name): name.description
            }
        let form =
            switch field.cardinality {
            case .plain: type
            case .optional: "\(type)?"
            case .list: "list<\(type)>"
            case .map(let key, _): "map<\(key.rawValue), \(type)>"
            case .choice(let oneof): "\(oneof) \(type)"
            }
        return "\(field.number) \(field.name) \(form)"
    }

    /// Every message and enum that a call of the methods may carry.
    private func reachable(from methods: [MethodModel]) -> Set<TypeName> {
        var found: Set<TypeName> = []
        var waiting = methods.flatMap { [$0.request, $0.response] }
        while let name = waiting.popLast() {
            guard found.insert(name).inserted, let message = message(name) else { continue }
            for field in message.fields {
                switch field.type {
                case .scalar: break
                case .message(let name), .enumeration(let name): waiting.append(name)
                }
            }
        }
        return found
    }
}
