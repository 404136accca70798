/// What each rule of the language is for, with a schema that breaks it and one that does not.
enum Catalogue {
    struct Entry: Sendable {
        var summary: String
        /// Why there is the rule, and what to do.
        var explanation: String
        var bad: Example
        var good: Example
    }

    /// One schema or several, of which the first is the one to compile.
    struct Example: Sendable, ExpressibleByStringLiteral {
        var files: [(path: String, text: String)]

        init(_ files: (path: String, text: String)...) { self.files = files }
        init(stringLiteral text: String) { files = [("schema.rpc", text)] }
    }

    /// The rules that belong together.
    static let groups: [(name: String, rules: ClosedRange<Int>)] = [
        ("Text", 1...9), ("Files", 10...19), ("Names", 20...39), ("Fields", 40...59),
        ("Options", 60...69), ("Enums", 70...79), ("Services", 80...99),
        ("HTTP routes", 100...119),
    ]

    static func entry(of rule: Rule) -> Entry {
        switch rule {
        case .notUTF8: notUTF8
        case .strayCharacter: strayCharacter
        case .openString: openString
        case .badNumber: badNumber
        case .unexpected: unexpected
        case .missingNewLine: missingNewLine
        case .openBody: openBody
        case .missingPackage: missingPackage
        case .packagePlace: packagePlace
        case .packageForm: packageForm
        case .importPath: importPath
        case .importMissing: importMissing
        case .importTwice: importTwice
        case .importCycle: importCycle
        case .importPlace: importPlace
        case .brokenImport: brokenImport
        case .typeForm: typeForm
        case .memberForm: memberForm
        case .nameTaken: nameTaken
        case .declaredTwice: declaredTwice
        case .shadowedName: shadowedName
        case .memberTwice: memberTwice
        case .memberOfEvery: memberOfEvery
        case .optionalLike: optionalLike
        case .protoValueTwice: protoValueTwice
        case .unknownType: unknownType
        case .notAType: notAType
        case .fieldNumberRange: fieldNumberRange
        case .protobufNumber: protobufNumber
        case .fieldNumberTwice: fieldNumberTwice
        case .reservedNumber: reservedNumber
        case .reservedName: reservedName
        case .reservedRange: reservedRange
        case .optionalList: optionalList
        case .nestedList: nestedList
        case .mapKey: mapKey
        case .containsItself: containsItself
        case .choiceForm: choiceForm
        case .emptyOneof: emptyOneof
        case .nestedTooDeep: nestedTooDeep
        case .unknownOption: unknownOption
        case .optionTwice: optionTwice
        case .limitTarget: limitTarget
        case .limitRange: limitRange
        case .limitOrder: limitOrder
        case .defaultOutside: defaultOutside
        case .rangeTarget: rangeTarget
        case .rangeForm: rangeForm
        case .optionPlace: optionPlace
        case .missingZero: missingZero
        case .valueNumberRange: valueNumberRange
        case .valueNumberTwice: valueNumberTwice
        case .methodTypes: methodTypes
        case .missingRole: missingRole
        case .roleTwice: roleTwice
        case .anyRole: anyRole
        case .missingDeadline: missingDeadline
        case .openUnary: openUnary
        case .idleWithDeadline: idleWithDeadline
        case .time: time
        case .unknownAnnotation: unknownAnnotation
        case .annotationTwice: annotationTwice
        case .methodNumberTwice: methodNumberTwice
        case .keyField: keyField
        case .keyOfStream: keyOfStream
        case .routeForm: routeForm
        case .routeVariable: routeVariable
        case .routeVariableType: routeVariableType
        case .routeQuery: routeQuery
        case .routeBody: routeBody
        case .routeKind: routeKind
        case .routeTwice: routeTwice
        case .safeRoute: safeRoute
        case .resume: resume
        }
    }
}
