// Goes on to the kiosk's page once the station is there, and leaves no step back to here.
const look = () => fetch(page + "/there", { mode: "no-cors", cache: "no-store" }).then(() => location.replace(page + "#" + key), () => setTimeout(look, 1000));
look();
// Nobody is kept waiting for a station that does not come, or whose certificate this browser does not trust.
setTimeout(() => [document.getElementById("moment").hidden, document.getElementById("lost").hidden] = [true, false], 20000);
