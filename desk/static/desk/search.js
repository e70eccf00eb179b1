// The page of answers came by a POST. Going back to it, or loading it again, gives the empty box instead of asking
// whether to send the name once more: the history entry becomes a plain visit.
"use strict";

history.replaceState(null, "", location.pathname);
