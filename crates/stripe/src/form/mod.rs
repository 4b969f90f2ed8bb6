//! Stripe's form bodies: `items[0][price]=price_1&metadata[plan]=team&expand[0]=customer`.
//!
//! [`Params`] builds one for a request of ours; [`decode`] reads one into an ordered tree for
//! the simulator. Encoding is what Stripe's own libraries send (indices in arrays, brackets
//! left readable, booleans as words, an empty text to unset a field, absent values omitted);
//! decoding also takes what people type by hand (`expand[]=…`, `+` for a space).
//!
//! It owns the two directions and the limits of what is read; it never knows which parameters
//! a route takes. Start reading at [`Params`].

mod decode;

mod params;

pub use decode::{FormError, FormMap, FormValue, Limits, decode, decode_within};
pub use params::{ParamValue, Params};

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn text(t: &str) -> FormValue {
        FormValue::Text(t.to_owned())
    }

    fn map<const N: usize>(pairs: [(&str, FormValue); N]) -> FormValue {
        FormValue::Map(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
    }

    fn list<const N: usize>(items: [FormValue; N]) -> FormValue {
        FormValue::List(items.into())
    }

    /// Shows how the builder's helpers name, omit, clear and escape parameters.
    #[test]
    fn params_are_encoded_as_stripe_expects() {
        let price = Params::new().set("price", "price_1").set("quantity", 3u32);
        let params = Params::new()
            .set("customer", "cus_1")
            .set("cancel_at_period_end", true)
            .set("trial_end", None::<i64>)
            .set("amount", -5i64)
            .unset("default_payment_method")
            .nest("recurring", Params::new().set("interval", "month"))
            .nest("data", Params::new().set("a[b]", 1).set("a[c]", 2))
            .list("items", [price.clone(), price])
            .values("enabled_events", ["invoice.paid", "charge.failed"])
            .metadata("note", "50 % & more=ü[x]")
            .expand("customer")
            .expand("latest_invoice.payments")
            .set("customer", "cus_2");
        assert_eq!(
            params.encode(),
            "customer=cus_2&cancel_at_period_end=true&amount=-5&default_payment_method=\
             &recurring[interval]=month&data[a][b]=1&data[a][c]=2&items[0][price]=price_1\
             &items[0][quantity]=3&items[1][price]=price_1&items[1][quantity]=3\
             &enabled_events[0]=invoice.paid&enabled_events[1]=charge.failed\
             &metadata[note]=50%20%25%20%26%20more%3D%C3%BC%5Bx%5D\
             &expand[0]=customer&expand[1]=latest_invoice.payments"
        );
        assert_eq!(params.get("customer"), Some("cus_2"));
    }

    /// Shows each form of nesting that Stripe's libraries and people send.
    #[test]
    fn forms_are_decoded_into_ordered_trees() {
        let cases: [(&str, FormValue); 13] = [
            ("a=1&b=x+y%20z", map([("a", text("1")), ("b", text("x y z"))])),
            ("a=1&a=2", map([("a", text("2"))])),
            ("a&b=", map([("a", text("")), ("b", text(""))])),
            ("&&a=1&", map([("a", text("1"))])),
            ("a[]=1&a[]=2", map([("a", list([text("1"), text("2")]))])),
            ("a%5B0%5D=1&a%5B1%5D=2", map([("a", list([text("1"), text("2")]))])),
            ("a[1]=2&a[0]=1", map([("a", list([text("1"), text("2")]))])),
            ("a[1]=2", map([("a", map([("1", text("2"))]))])),
            (
                "a[b][c]=1&a[b][d]=2",
                map([("a", map([("b", map([("c", text("1")), ("d", text("2"))]))]))]),
            ),
            (
                "items[0][price]=p&items[0][quantity]=2&items[1][price]=q",
                map([(
                    "items",
                    list([
                        map([("price", text("p")), ("quantity", text("2"))]),
                        map([("price", text("q"))]),
                    ]),
                )]),
            ),
            (
                "i[][p]=1&i[][q]=2&i[][p]=3",
                map([(
                    "i",
                    list([map([("p", text("1")), ("q", text("2"))]), map([("p", text("3"))])]),
                )]),
            ),
            ("m[a b]=1&m[ü]=2", map([("m", map([("a b", text("1")), ("ü", text("2"))]))])),
            ("v=a[b]=c", map([("v", text("a[b]=c"))])),
        ];
        for (input, expected) in cases {
            assert_eq!(FormValue::Map(decode(input.as_bytes()).unwrap()), expected, "{input}");
        }
    }

    /// Shows that broken and hostile input is refused with the right reason.
    #[test]
    fn bad_forms_are_refused() {
        let bad = |n: &str| FormError::BadName { name: n.to_owned() };
        let clash = |n: &str| FormError::Conflict { name: n.to_owned() };
        let cases = [
            ("a=%zz", FormError::BadEncoding),
            ("a=%f", FormError::BadEncoding),
            ("a=%ff", FormError::BadEncoding),
            ("=1", bad("")),
            ("[a]=1", bad("[a]")),
            ("a[b=1", bad("a[b")),
            ("a[b]c=1", bad("a[b]c")),
            ("a]=1", bad("a]")),
            ("a=1&a[b]=2", clash("a[b]")),
            ("a[b]=2&a=1", clash("a")),
            ("a[]=2&a[b]=1", clash("a[b]")),
        ];
        for (input, expected) in cases {
            assert_eq!(decode(input.as_bytes()).unwrap_err(), expected, "{input}");
        }
        let deep = format!("a{}=1", "[x]".repeat(13));
        assert_eq!(decode(deep.as_bytes()).unwrap_err(), FormError::TooDeep);
        let many = "a=1&".repeat(2_001);
        assert_eq!(decode(many.as_bytes()).unwrap_err(), FormError::TooMany);
    }

    fn tree() -> impl Strategy<Value = FormMap> {
        let name = "[a-zA-Z_ü &=+%.][a-zA-Z0-9_ü &=+%.]{0,6}";
        let leaf = any::<String>().prop_map(FormValue::Text);
        let value = leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 1..4).prop_map(FormValue::List),
                proptest::collection::vec((name, inner), 1..4)
                    .prop_map(|pairs| FormValue::Map(pairs.into_iter().collect())),
            ]
        });
        proptest::collection::vec((name, value), 0..5).prop_map(|v| v.into_iter().collect())
    }

    proptest! {
        /// Shows that decoding undoes encoding for every tree without empty branches.
        #[test]
        fn decode_undoes_encode(tree in tree()) {
            let encoded = Params::from_tree(&tree).encode();
            prop_assert_eq!(decode(encoded.as_bytes()).unwrap(), tree);
        }

        /// Shows that no bytes make the decoder panic.
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        /// Shows that no mixture of brackets makes the decoder panic.
        #[test]
        fn any_brackets_are_survived(input in "([ab0-2\\[\\]=&]){0,40}") {
            let _ = decode(input.as_bytes());
        }
    }
}
