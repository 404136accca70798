/// Valid schemas with every construct of the language.
enum MutationSamples {
    static let beside = [
        "common/place.rpc": """
        package shop.common.v1

        /// Where something is.
        message Place {
            street: string = 1 (max 64)
            floor: int32 = 2 (range -3...40)
        }

        enum Currency {
            unspecified = 0
            euro = 1
        }

        """
    ]

    static let small = """
        package clock.v1

        /// How loud.
        enum Volume {
            quiet = 0
            loud = 1
        }

        message Alarm {
            label: string = 1 (max 64)
            volume: Volume = 2
        }

        service Bell {
            ring(Alarm) -> Alarm { deadline 5s, role ctl }
        }

        """

    static let rich = """
        // A shop that has everything.
        package shop.v1

        import "common/place.rpc"

        /// What a thing is made of.
        enum Material (deprecated "use `Good.kind`") {
            unspecified = 0
            wood = 1
            steel = -2 (deprecated "too heavy")
            reserved 3, 5...9, "plastic"
        }

        /// Something to sell.
        message Good {
            id: uuid = 1
            /// As the customer sees it.
            title: string = 2 (max 128)
            code: string? = 3 (min 4, max 8)
            price: Price = 4
            tags: list<string (min 1, max 16)> = 5 (max 20)
            stock: map<string (max 32), uint32 (range 1...1000)> = 6 (max 50)
            weight: double = 7 (range 0...99.5)
            secret: bytes = 8 (max 32, redact)
            oneof origin {
                place: Place = 9
                maker: string = 10 (max 64)
                kind: Kind = 11
            }
            similar: list<Good> = 12 (max 5)
            old: string = 13 (deprecated "use `title`")
            added: timestamp? = 14
            reserved 15, 17...19, "size"

            /// What it costs.
            message Price {
                amount: int64 = 1 (range 0...9000000)
                currency: shop.common.v1.Currency = 2
                discounts: list<Discount> = 3
                message Discount {
                    percent: uint32 = 1 (range 0...100)
                    until: timestamp = 2
                }
            }

            enum Kind {
                thing = 0
                service = 1
            }
            material: Material = 16
        }

        message Goods {
            goods: list<Good> = 1 (max 100)
            left: duration = 2
        }

        message Search (deprecated "search elsewhere") {
            words: list<string> = 1 (max 8)
            near: Place? = 2
        }

        /// Sells.
        service Shop {
            /// Finds goods.
            find(Search) -> Goods { deadline 5s, role any, safe }
            watch(Search) -> stream Good { deadline none, idle 5m, role ctl, gateway }
            load(stream Good) -> Goods { deadline 1m, role ctl, idempotent }
            talk(stream Search) -> stream Goods {
                deadline none, role ctl
            }
            old(Good) -> Good { deadline 500ms, role ctl, deprecated "use `find`" }
        }

        """

    static let routes = """
        package shop.admin.v1

        import "common/place.rpc"

        message GetGood {
            id: uuid = 1
            language: string = 2 (max 8)
        }

        message PutGood {
            id: uuid = 1
            token: string = 2 (max 64)
            good: Good = 3
        }

        message Good {
            title: string = 1 (max 64)
            place: Place = 2
            colours: list<Colour> = 3 (max 8)
        }

        enum Colour {
            none1 = 0
            red = 1
            green = 2
        }

        message Nothing {}

        service Goods {
            get(GetGood) -> Good { deadline 5s, role ctl, safe, get "/v1/goods/{id}" }
            add(PutGood) -> Good { deadline 5s, role ctl, idempotent by token, post "/v1/goods" }
            put(PutGood) -> Good {
                deadline 5s, role ctl, gateway, idempotent, put "/v1/goods/{id}" body good
            }
            change(PutGood) -> Nothing { deadline 5s, role ctl, patch "/v1/goods/{id}" }
            remove(GetGood) -> Nothing { deadline 5s, role ctl, delete "/v1/goods/{id}" }
            watch(GetGood) -> stream Good {
                deadline none, role ctl, safe, get "/v1/goods" resume language from title
            }
        }

        service Old (deprecated "use `Goods`") {
            get(GetGood) -> Good { role ctl, deadline 5s, safe, get "/v0/goods/{id}" }
        }

        """
}
