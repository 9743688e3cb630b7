/* select2 names its boxes after what is chosen, so an empty one has no name for those who hear the page. It gets that of
   its label, whenever select2 makes one. */
addEventListener("DOMContentLoaded", () => {
    const nameBoxes = () => {
        for (const box of document.querySelectorAll(".select2-selection[role=combobox]:not([aria-label])")) {
            const field = box.closest(".select2-container").previousElementSibling;
            const label = field && document.querySelector(`label[for="${field.id}"]`);
            const chosen = box.querySelector("[role=textbox]");
            if (!label || !chosen) continue;
            for (const each of [box, chosen]) each.setAttribute("aria-label", label.textContent.replace("*", "").trim());
            box.id ||= `${field.id}-box`;
            box.setAttribute("aria-labelledby", `${box.id} ${chosen.id}`);
        }
    };
    new MutationObserver(nameBoxes).observe(document.body, {childList: true, subtree: true});
    nameBoxes();
    // A chart over time that is wider than the screen begins with its newest days.
    for (const chart of document.querySelectorAll(".scroller:has(> .plot[data-over-time])")) chart.scrollLeft = chart.scrollWidth;
});
