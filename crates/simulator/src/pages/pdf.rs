//! Draws an invoice as a PDF of A4 pages with the built-in Helvetica, so no font is shipped.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};

use super::invoice::Sheet;

const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const LEFT: f32 = 56.0;
const RIGHT: f32 = WIDTH - 56.0;
const BOTTOM: f32 = 90.0;

/// Advance widths of Helvetica for the characters 32 to 126, in thousandths of the size.
const ADVANCES: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// The text in `WinAnsiEncoding`; what it lacks becomes a question mark.
fn encoded(text: &str) -> Vec<u8> {
    text.chars()
        .map(|letter| match letter {
            ' '..='~' => u8::try_from(u32::from(letter)).unwrap_or(b'?'),
            '€' => 0x80,
            '–' => 0x96,
            '—' => 0x97,
            '•' => 0x95,
            '’' => 0x92,
            '−' => b'-',
            '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(letter)).unwrap_or(b'?'),
            _ => b'?',
        })
        .collect()
}

fn width(text: &str, size: f32) -> f32 {
    let thousandths: u32 = encoded(text)
        .iter()
        .map(|byte| {
            let place = usize::from(byte.saturating_sub(32));
            u32::from(ADVANCES.get(place).copied().unwrap_or(556))
        })
        .sum();
    f32::from(u16::try_from(thousandths).unwrap_or(u16::MAX)) * size / 1000.0
}

/// Breaks a text into lines no wider than `limit`.
fn wrapped(text: &str, size: f32, limit: f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if line.is_empty() || width(&longer, size) <= limit {
            *line = longer;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[derive(Clone, Copy)]
enum Face {
    Plain,
    Bold,
}

/// One page under the pen.
struct Page {
    content: Content,
    y: f32,
}

impl Page {
    fn new() -> Self {
        Self { content: Content::new(), y: HEIGHT - 70.0 }
    }

    fn text(&mut self, x: f32, face: Face, size: f32, grey: f32, text: &str) {
        let name: &[u8] = match face {
            Face::Plain => b"F1",
            Face::Bold => b"F2",
        };
        self.content.begin_text();
        self.content.set_fill_gray(grey);
        self.content.set_font(Name(name), size);
        self.content.next_line(x, self.y);
        self.content.show(Str(&encoded(text)));
        self.content.end_text();
    }

    fn text_to(&mut self, right: f32, face: Face, size: f32, text: &str) {
        // Bold letters are a little wider; digits, which stand in columns, are not.
        self.text(right - width(text, size), face, size, 0.1, text);
    }

    fn rule(&mut self) {
        self.content.set_stroke_gray(0.75);
        self.content.set_line_width(0.6);
        self.content.move_to(LEFT, self.y);
        self.content.line_to(RIGHT, self.y);
        self.content.stroke();
    }
}

/// The invoice as the bytes of a PDF.
pub(super) fn invoice(sheet: &Sheet) -> Vec<u8> {
    let mut pages = vec![Page::new()];
    let mut page = first(&mut pages);
    head(page, sheet);
    for line in &sheet.lines {
        if page.y < BOTTOM + 40.0 {
            pages.push(Page::new());
            page = last(&mut pages);
        }
        let mut descriptions = wrapped(&line.description, 10.0, 330.0).into_iter();
        page.text(LEFT, Face::Plain, 10.0, 0.1, &descriptions.next().unwrap_or_default());
        page.text_to(RIGHT, Face::Plain, 10.0, &line.amount);
        for more in descriptions {
            page.y -= 13.0;
            page.text(LEFT, Face::Plain, 10.0, 0.1, &more);
        }
        if !line.period.is_empty() {
            page.y -= 13.0;
            page.text(LEFT, Face::Plain, 8.5, 0.4, &line.period);
        }
        page.y -= 10.0;
        page.rule();
        page.y -= 18.0;
    }
    if page.y < BOTTOM + 120.0 {
        pages.push(Page::new());
        page = last(&mut pages);
    }
    let count = sheet.sums.len();
    for (index, sum) in sheet.sums.iter().enumerate() {
        let face = if index + 1 == count { Face::Bold } else { Face::Plain };
        page.text(360.0, face, 10.0, 0.1, sum.label);
        page.text_to(RIGHT, face, 10.0, &sum.amount);
        page.y -= 17.0;
    }
    let total = pages.len();
    for (index, page) in pages.iter_mut().enumerate() {
        page.y = 50.0;
        page.text(
            LEFT,
            Face::Plain,
            8.0,
            0.4,
            "SIMULATOR - not a real invoice, no real money moved",
        );
        page.text_to(RIGHT, Face::Plain, 8.0, &format!("Page {} of {total}", index + 1));
    }
    write(pages, &sheet.number)
}

fn first(pages: &mut [Page]) -> &mut Page {
    &mut pages[0]
}

fn last(pages: &mut [Page]) -> &mut Page {
    let index = pages.len() - 1;
    &mut pages[index]
}

fn head(page: &mut Page, sheet: &Sheet) {
    page.text(LEFT, Face::Bold, 20.0, 0.1, "Invoice");
    let merchant_at = RIGHT - width(&sheet.merchant, 12.0) - 6.0;
    page.text(merchant_at, Face::Bold, 12.0, 0.1, &sheet.merchant);
    page.y -= 34.0;
    let mut facts =
        vec![("Invoice number", sheet.number.clone()), ("Date of issue", sheet.issued.clone())];
    if let Some(paid) = &sheet.paid_on {
        facts.push(("Date paid", paid.clone()));
    }
    facts.push(("Status", sheet.mark.text.clone()));
    for (label, value) in facts {
        page.text(LEFT, Face::Plain, 10.0, 0.4, label);
        page.text(LEFT + 110.0, Face::Plain, 10.0, 0.1, &value);
        page.y -= 15.0;
    }
    page.y -= 14.0;
    page.text(LEFT, Face::Bold, 10.0, 0.1, "Bill to");
    page.y -= 15.0;
    page.text(LEFT, Face::Plain, 10.0, 0.1, &sheet.to);
    if !sheet.to_email.is_empty() && sheet.to_email != sheet.to {
        page.y -= 14.0;
        page.text(LEFT, Face::Plain, 10.0, 0.4, &sheet.to_email);
    }
    page.y -= 40.0;
    let state = match &sheet.paid_on {
        Some(paid) => format!("{} paid on {paid}", sheet.headline),
        None => format!("{} due", sheet.due),
    };
    page.text(LEFT, Face::Bold, 16.0, 0.1, &state);
    page.y -= 34.0;
    page.text(LEFT, Face::Plain, 9.0, 0.4, "Description");
    page.text(RIGHT - width("Amount", 9.0), Face::Plain, 9.0, 0.4, "Amount");
    page.y -= 8.0;
    page.rule();
    page.y -= 18.0;
}

fn write(pages: Vec<Page>, number: &str) -> Vec<u8> {
    let mut next = 0;
    let mut fresh = || {
        next += 1;
        Ref::new(next)
    };
    let (catalog, tree, plain, bold, info) = (fresh(), fresh(), fresh(), fresh(), fresh());
    let ids: Vec<(Ref, Ref)> = pages.iter().map(|_| (fresh(), fresh())).collect();
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    let count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(count);
    for (page, (page_id, content_id)) in pages.into_iter().zip(&ids) {
        let mut dictionary = pdf.page(*page_id);
        dictionary.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT));
        dictionary.parent(tree);
        dictionary.contents(*content_id);
        let mut resources = dictionary.resources();
        let mut fonts = resources.fonts();
        fonts.pair(Name(b"F1"), plain);
        fonts.pair(Name(b"F2"), bold);
        fonts.finish();
        resources.finish();
        dictionary.finish();
        pdf.stream(*content_id, &page.content.finish());
    }
    for (id, name) in [(plain, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(id).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    let title = format!("Invoice {number}");
    pdf.document_info(info)
        .title(pdf_writer::TextStr(&title))
        .producer(pdf_writer::TextStr("stripe-simulator"));
    pdf.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that widths follow the font and that a long text is broken between words.
    #[test]
    fn measures_and_breaks_text() {
        assert!((width("0", 10.0) - 5.56).abs() < 0.001);
        assert!(width("iii", 10.0) < width("mmm", 10.0));
        let lines = wrapped("Remaining time on Team after 11 Oct 2026", 10.0, 90.0);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line, 10.0) <= 90.0));
        assert_eq!(
            encoded("€9 ×2 −1 漢"),
            [0x80, b'9', b' ', 0xd7, b'2', b' ', b'-', b'1', b' ', b'?']
        );
    }
}
