import TestSupport

/// One change of a schema, as people make them.
enum LockMutation: CaseIterable {
    case addField, removeField, renameField, renumberField, swapNumbers, reuseNumber
    case changeType, changeNumberType, changeTextType, enumAndNumber, changeKey
    case presence, repetition, listAndMap
    case intoOneof, outOfOneof, aloneInOneof, renameOneof
    case changeLimits, raiseLimit, lowerLimit
    case freeReserved, reserveMore
    case addValue, removeValue, renameValue, renumberValue
    case renameMessage, renameEnum, copyMessage, copyEnum
    case addMethod, removeMethod, stream, methodType, roles, deadline, idempotency
    case package, reorder, options

    /// Changes the sample; the result may be no schema, or the same.
    func apply(to sample: inout LockSample, _ random: inout SplitMix) {
        switch self {
        case .addField, .removeField, .renameField, .renumberField, .swapNumbers, .reuseNumber,
            .freeReserved, .reserveMore, .reorder:
            applyToMessage(&sample, &random)
        case .addValue, .removeValue, .renameValue, .renumberValue:
            applyToEnum(&sample, &random)
        case .renameMessage, .renameEnum, .copyMessage, .copyEnum, .package:
            applyToNames(&sample, &random)
        case .addMethod, .removeMethod, .stream, .methodType, .roles, .deadline, .idempotency:
            applyToMethods(&sample, &random)
        default:
            let message = sample.messages.indices.randomElement(using: &random) ?? 0
            let fields = sample.messages[message].fields.indices
            guard let field = fields.randomElement(using: &random) else { return }
            applyToField(&sample, message, field, &random)
        }
    }

    // MARK: Messages

    private func applyToMessage(_ sample: inout LockSample, _ random: inout SplitMix) {
        let index = sample.messages.indices.randomElement(using: &random) ?? 0
        var message = sample.messages[index]
        let at = Int.random(in: message.fields.indices, using: &random)
        let field = message.fields[at]
        switch self {
        case .addField:
            let number = Int.random(in: 100...200, using: &random)
            message.fields.append(sample.field(in: index, number: number, &random))
        case .removeField:
            message.fields.remove(at: at)
            let both = ["\(field.number)", "\"\(field.name)\""]
            message.reserved += [both, both, [both[0]], [both[1]], []].random(&random)
        case .renameField: message.fields[at].name += "New"
        case .renumberField:
            message.fields[at].number = 300
            if Bool.random(using: &random) { message.reserved.append("\(field.number)") }
        case .swapNumbers:
            let other = Int.random(in: message.fields.indices, using: &random)
            let number = message.fields[other].number
            message.fields[other].number = field.number
            message.fields[at].number = number
        case .reuseNumber:
            message.fields[at] = sample.field(in: index, number: field.number, &random)
            message.fields[at].name = "fresh"
        case .freeReserved: message.reserved.removeFirst()
        case .reserveMore: message.reserved.append("950...960, \"more\"")
        default: message.fields.shuffle(using: &random)
        }
        sample.messages[index] = message
    }

    // MARK: Fields

    private func applyToField(
        _ sample: inout LockSample, _ message: Int, _ at: Int, _ random: inout SplitMix
    ) {
        var field = sample.messages[message].fields[at]
        let before = field
        switch self {
        case .changeType:
            field.type =
                sample.types(in: message, isRepeated: field.isRepeated).random(&random)
        case .changeNumberType:
            field.type = ["bool", "int32", "int64", "uint32", "uint64", "E0"].random(&random)
        case .changeTextType: field.type = ["string", "bytes", "uuid"].random(&random)
        case .enumAndNumber: field.type = field.type == "int32" ? "E0" : "int32"
        case .changeKey: field.form = .map(key: LockSample.keys.random(&random))
        case .presence: field.form = field.form == .plain ? .optional : .plain
        case .repetition: field.form = field.form == .list ? .plain : .list
        case .listAndMap: field.form = field.form == .list ? .map(key: "int32") : .list
        case .intoOneof: field.form = .choice(["one", "other"].random(&random))
        case .outOfOneof, .aloneInOneof:
            if case .choice = field.form {
                field.form = .optional
            } else {
                field.form = .choice("alone")
            }
        case .renameOneof:
            for index in sample.messages[message].fields.indices
            where sample.messages[message].fields[index].form == .choice("one") {
                sample.messages[message].fields[index].form = .choice("renamed")
            }
            return
        case .raiseLimit, .lowerLimit:
            let step = self == .raiseLimit ? 1 : -1
            if let max = field.max { field.max = max + step }
            if let min = field.min { field.min = min - step }
            if let count = field.count { field.count = count + step }
            if let keyMax = field.keyMax { field.keyMax = keyMax + step }
            if let range = field.range { field.range = 0...range.upperBound + step }
        case .options: field.options = [["redact"], ["deprecated \"no\""]].random(&random)
        default: sample.setLimits(&field, &random)
        }
        let isSame = before.type == field.type && before.isRepeated == field.isRepeated
        let keepsLimits = self == .raiseLimit || self == .lowerLimit || self == .options
        if !isSame || before.form != field.form, !keepsLimits, self != .changeLimits {
            // The same limits where they still have a meaning.
            if !isSame || field.form == .plain { sample.setLimits(&field, &random) }
        }
        sample.messages[message].fields[at] = field
    }

    // MARK: Enums

    private func applyToEnum(_ sample: inout LockSample, _ random: inout SplitMix) {
        let index = sample.enums.indices.randomElement(using: &random) ?? 0
        let at = Int.random(in: sample.enums[index].values.indices, using: &random)
        let value = sample.enums[index].values[at]
        switch self {
        case .addValue: sample.enums[index].values.append((name: "added", number: 50))
        case .removeValue:
            sample.enums[index].values.remove(at: at)
            let both = ["\(value.number)", "\"\(value.name)\""]
            sample.enums[index].reserved += [both, [both[0]], []].random(&random)
        case .renameValue: sample.enums[index].values[at].name += "New"
        default: sample.enums[index].values[at].number += 40
        }
    }

    // MARK: Names

    private func applyToNames(_ sample: inout LockSample, _ random: inout SplitMix) {
        switch self {
        case .renameMessage:
            guard let index = sample.messages.indices.randomElement(using: &random) else { return }
            let old = sample.messages[index]
            sample.messages[index].name = "Renamed"
            for inner in sample.messages.indices where sample.messages[inner].outer == old.name {
                sample.messages[inner].outer = "Renamed"
            }
            rename(&sample, old.path, sample.messages[index].path)
            rename(&sample, old.path + ".", "Renamed.")
        case .renameEnum:
            let old = sample.enums[0].name
            sample.enums[0].name = "Renamed"
            rename(&sample, old, "Renamed")
        case .copyMessage:
            guard var copy = sample.messages.last else { return }
            let old = copy.path
            copy.name = "Copy"
            sample.messages.append(copy)
            if Bool.random(using: &random) {
                LockMutation.removeField.apply(to: &sample, &random)
            }
            replaceSome(&sample, old, copy.path, &random)
        case .copyEnum:
            var copy = sample.enums[0]
            copy.name = "Copy"
            copy.values = copy.values.map { ($0.name, $0.number) }
            sample.enums.append(copy)
            replaceSome(&sample, sample.enums[0].name, "Copy", &random)
        default: sample.package = "sample.v2"
        }
    }

    /// In all fields and methods; with a dot at the end what begins so.
    private func rename(_ sample: inout LockSample, _ old: String, _ new: String) {
        func renamed(_ name: String) -> String {
            if name == old { return new }
            return old.hasSuffix(".") && name.hasPrefix(old)
                ? new + name.dropFirst(old.count) : name
        }
        for message in sample.messages.indices {
            for field in sample.messages[message].fields.indices {
                let type = sample.messages[message].fields[field].type
                sample.messages[message].fields[field].type = renamed(type)
            }
        }
        for method in sample.methods.indices {
            sample.methods[method].request = renamed(sample.methods[method].request)
            sample.methods[method].response = renamed(sample.methods[method].response)
        }
    }

    private func replaceSome(
        _ sample: inout LockSample, _ old: String, _ new: String, _ random: inout SplitMix
    ) {
        for message in sample.messages.indices {
            for field in sample.messages[message].fields.indices
            where sample.messages[message].fields[field].type == old && Bool.random(using: &random)
            {
                sample.messages[message].fields[field].type = new
            }
        }
        for method in sample.methods.indices where sample.methods[method].request == old {
            sample.methods[method].request = new
        }
    }

    // MARK: Methods

    private func applyToMethods(_ sample: inout LockSample, _ random: inout SplitMix) {
        switch self {
        case .addMethod: sample.methods.append(sample.method("added", &random))
        case .removeMethod: sample.methods.removeLast()
        case .stream: sample.methods[0].streams.response.toggle()
        case .methodType: sample.methods[0].response = sample.messages.random(&random).path
        case .roles:
            sample.methods[0].roles = [["ctl"], ["any"], ["ctl", "gateway", "more"]].random(&random)
        case .deadline: sample.methods[0].deadline = ["1s", "5s", "90s"].random(&random)
        default: sample.methods[0].rest = [[], ["safe"], ["idempotent"]].random(&random)
        }
    }
}
